package media

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"patchbay/sdk/envelope"
)

// After a failed write there is no item and no used space, and the next Get succeeds.
func TestWriteFails(t *testing.T) {
	t.Run("no folder", func(t *testing.T) {
		b := open(t)
		if err := os.RemoveAll(b.dir); err != nil {
			t.Fatal(err)
		}
		b.vendor.put("cat", png1(100))
		_, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{})
		b.expectFailure(err, fs.ErrNotExist)
		if err := os.Mkdir(b.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		b.must("cat")
		b.expectFilesOfItems()
	})
	for name, suffix := range map[string]string{"data file": dataSuffix, "metadata file": metadataSuffix} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := open(t)
				m := png1(5000)
				m.wait = make(chan struct{})
				b.vendor.put("cat", m)
				var err error
				var all sync.WaitGroup
				all.Go(func() { _, err = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}) })
				synctest.Wait()
				id := strings.TrimSuffix(b.files(tempSuffix)[0], tempSuffix)
				obstacle := filepath.Join(b.dir, id+suffix)
				if err := os.MkdirAll(filepath.Join(obstacle, "x"), 0o700); err != nil {
					t.Fatal(err)
				}
				close(m.wait)
				all.Wait()
				b.expectFailure(err, nil)
				if err := os.RemoveAll(obstacle); err != nil {
					t.Fatal(err)
				}
				b.must("cat")
				b.expectFilesOfItems()
			})
		})
	}
}

func (b *testStore) expectFailure(err, cause error) {
	b.t.Helper()
	if err == nil || IsPermanent(err) || cause != nil && !errors.Is(err, cause) ||
		!strings.Contains(err.Error(), "write a medium to disk") {
		b.t.Errorf("error = %v", err)
	}
	if got := b.counts.results(); !slices.Equal(got, []string{"desk " + ResultFailed}) {
		b.t.Errorf("counted %v", got)
	}
	if b.used != 0 {
		b.t.Errorf("%d bytes used, want 0", b.used)
	}
}

func TestReadFails(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	i := b.must("cat")
	path := b.path(i.ID, dataSuffix)
	if err := errors.Join(os.Remove(path), os.Symlink(path, path)); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Open(); !errors.Is(err, syscall.ELOOP) || errors.Is(err, ErrGone) {
		t.Errorf("open: %v", err)
	}
	r := b.sendRequest("GET", b.Link(i))
	if text := string(body(t, r)); r.StatusCode != http.StatusInternalServerError || strings.Contains(text, b.dir) {
		t.Errorf("status %d: %s", r.StatusCode, text)
	}
	if !strings.Contains(b.logs.String(), "cached medium could not be read") {
		t.Errorf("log: %s", b.logs)
	}
	if i.readers != 0 {
		t.Errorf("%d readers", i.readers)
	}
}

// If a file cannot be deleted, its item is removed, and the failure is logged. The next start deletes the file.
func TestDeleteFails(t *testing.T) {
	b := open(t)
	b.vendor.put("cat", png1(100))
	i := b.must("cat")
	path := b.path(i.ID, dataSuffix)
	if err := errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(i.Expires.Sub(b.clock.Now()))
	b.sweep()
	if len(b.items) != 0 || b.used != 0 || !strings.Contains(b.logs.String(), "could not be deleted") {
		t.Errorf("%d items of %d bytes; log: %s", len(b.items), b.used, b.logs)
	}
	b.reopen() // deletes the file
	b.expectFilesOfItems()
}
