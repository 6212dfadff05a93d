package media

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"patchbay/sdk/envelope"
)

// flipBit changes one bit and the modification time of a file.
func flipBit(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)-1] ^= 1
	return errors.Join(os.WriteFile(path, data, 0o600), os.Chtimes(path, time.Time{}, time.Unix(1_000_000_000, 0)))
}

// If a file is deleted or changed, its links get the status 410, and the next Get fetches the medium again.
func TestChangedFiles(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"deleted":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 10) },
		"extended":  func(path string) error { return os.Truncate(path, 101) },
		"one bit":   flipBit,
		"replaced": func(path string) error {
			return errors.Join(os.WriteFile(path+"x", make([]byte, 100), 0o600), os.Rename(path+"x", path))
		},
		"a folder": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		for _, when := range []string{"after a download", "before any download", "after a restart"} {
			for _, method := range []string{"HEAD", "Get"} {
				t.Run(name+", "+when+", "+method, func(t *testing.T) {
					b := open(t)
					b.vendor.put("cat", png1(100))
					i := b.must("cat")
					link := b.Link(i)
					if when == "after a download" && b.sendRequest("GET", link).StatusCode != http.StatusOK {
						t.Fatal("not served")
					}
					if err := change(b.path(i.ID, dataSuffix)); err != nil {
						t.Fatal(err)
					}
					if when == "after a restart" {
						b.reopen()
					}
					if method != "Get" {
						if r := b.sendRequest(method, link, "Range", "bytes=0-0"); r.StatusCode != http.StatusGone {
							t.Errorf("status %d", r.StatusCode)
						}
					}
					got := b.must("cat")
					if got.ID == i.ID || !bytes.Equal(content(t, got), picture(100)) || b.vendor.requests("cat") != 2 {
						t.Errorf("Get returned the damaged item after %d requests", b.vendor.requests("cat"))
					}
					if r := b.sendRequest("GET", link); r.StatusCode != http.StatusGone {
						t.Errorf("after Get: status %d", r.StatusCode)
					}
					b.expectFilesOfItems()
				})
			}
		}
	}
}

// The checksum is computed once, not for each range request.
func TestChecksumIsCachedUntilFileChanges(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	i := b.must("cat")
	path := b.path(i.ID, dataSuffix)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if r := b.sendRequest("GET", b.Link(i)); r.StatusCode != http.StatusOK {
		t.Fatalf("status %d", r.StatusCode)
	}
	if err := errors.Join(flipBit(path), os.Chtimes(path, time.Time{}, before.ModTime())); err != nil {
		t.Fatal(err)
	}
	if r := b.sendRequest("GET", b.Link(i)); r.StatusCode != http.StatusOK {
		t.Errorf("status %d: the checksum was computed again", r.StatusCode)
	}
	if err := os.Chtimes(path, time.Time{}, before.ModTime().Add(1)); err != nil {
		t.Fatal(err)
	}
	r := b.sendRequest("GET", b.Link(i))
	if r.StatusCode != http.StatusGone || !strings.Contains(b.logs.String(), "damaged medium dropped") {
		t.Errorf("status %d after the file was touched; log: %s", r.StatusCode, b.logs)
	}
}

// If another fetch fails, Get returns an intact item that expires soon, but not a damaged item.
func TestDamagedItemAfterFailedFetch(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	i := b.must("cat")
	b.clock.advance(50 * time.Minute)
	broken := errors.New("connection reset")
	b.vendor.put("cat", medium{err: broken})
	if b.must("cat") != i {
		t.Fatal("the cached item was not returned")
	}
	if err := flipBit(b.path(i.ID, dataSuffix)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}); !errors.Is(err, broken) {
		t.Errorf("error = %v", err)
	}
	b.expectFilesOfItems()
}
