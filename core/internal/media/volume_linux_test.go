package media

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/store/storetest"
	"patchbay/sdk/envelope"
)

const (
	volumeBytes = 8 << 20
	photoBytes  = 1<<20 + 300_000
)

// volume is a place where writing fails.
type volume struct {
	dir  string
	full error // that writing fails with, at last
	// fill leaves so many bytes to be written, in whole blocks.
	fill  func(t *testing.T, left int64)
	clear func(t *testing.T)
}

// volumes returns a small disk, if this process may mount one, and a folder in which no file may have more than a MiB.
func volumes(t *testing.T) map[string]volume {
	t.Helper()
	found := map[string]volume{"limited files": limitedFiles(t)}
	if dir, ok := storetest.MountDisk(t, "8"); ok {
		found["disk"] = smallDisk(dir)
	}
	return found
}

func smallDisk(dir string) volume {
	other := filepath.Join(dir, "other-program")
	return volume{
		dir: filepath.Join(dir, "media"), full: ErrNoRoom,
		fill: func(t *testing.T, left int64) {
			t.Helper()
			file, err := os.OpenFile(other, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for err == nil {
				_, err = file.Write(make([]byte, blockBytes))
			}
			if !errors.Is(err, unix.ENOSPC) {
				t.Fatal(err)
			}
			info, err := file.Stat()
			if err == nil {
				err = file.Truncate((info.Size() - left) / blockBytes * blockBytes)
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		clear: func(t *testing.T) {
			t.Helper()
			if err := os.Remove(other); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func limitedFiles(t *testing.T) volume {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	set := func(t *testing.T, most uint64) {
		t.Helper()
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: most, Max: before.Max}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { set(t, before.Cur) })
	return volume{
		dir: filepath.Join(t.TempDir(), "media"), full: unix.EFBIG,
		// Large enough for the log that the go command keeps of the test.
		fill:  func(t *testing.T, _ int64) { set(t, 1<<20) },
		clear: func(t *testing.T) { set(t, before.Cur) },
	}
}

// TestFullDisk: wherever in a medium the disk ends, nothing of it stays, what is kept goes on being served, and as soon as
// there is room again it is read.
func TestFullDisk(t *testing.T) {
	blocks := int64((photoBytes + blockBytes - 1) / blockBytes * blockBytes)
	for name, left := range map[string]int64{"at once": 0, "in the middle": 600 << 10, "at the record": blocks} {
		for on, v := range volumes(t) {
			t.Run(name+", "+on, func(t *testing.T) {
				b := open(t)
				b.dir = v.dir
				b.reopen(func(o *Options) { o.MaxBytes, o.TotalBytes = 2<<20, 64<<20 })
				b.vendor.put("old", png1(5000))
				b.vendor.put("photo", png1(photoBytes))
				old := b.must("old")
				v.fill(t, left)
				for range 2 {
					_, err := b.Get(t.Context(), request(envelope.PartImage, "photo"), Limit{})
					if !errors.Is(err, v.full) || Lasting(err) {
						t.Errorf("error = %v, want %v", err, v.full)
					}
					b.expectTidy()
				}
				want := map[bool]string{true: "desk " + ResultNoRoom, false: "desk " + ResultFailed}[v.full == ErrNoRoom]
				if got := b.counts.results()[1:]; !slices.Equal(got, []string{want, want}) {
					t.Errorf("counted %v, want %s", got, want)
				}
				if r := b.ask("GET", b.Link(old)); r.StatusCode != 200 || !bytes.Equal(body(t, r), picture(5000)) {
					t.Errorf("what is kept: status %d", r.StatusCode)
				}
				v.clear(t)
				if got := content(t, b.must("photo")); !bytes.Equal(got, picture(photoBytes)) {
					t.Error("other bytes than the vendor's")
				}
				b.expectTidy()
			})
		}
	}
}

// TestSpaceIsLeftToOthers: the log is on the same disk, and goes on when there is no room for media.
func TestSpaceIsLeftToOthers(t *testing.T) {
	for on, v := range volumes(t) {
		t.Run(on, func(t *testing.T) {
			b := open(t)
			b.dir = v.dir
			b.reopen(func(o *Options) { o.FreeLow = 0 })
			size, free, err := disk(v.dir)
			if err != nil || b.opt.FreeLow <= 0 || b.opt.FreeLow != min(size/10, mostFreeLow) || v.full == ErrNoRoom && size != volumeBytes {
				t.Fatalf("%d bytes are left of a disk with %d, %v", b.opt.FreeLow, size, err)
			}
			b.reopen(func(o *Options) { o.FreeLow = 1 << 60 })
			b.vendor.put("cat", png1(5000))
			if _, err := b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{}); !errors.Is(err, ErrNoRoom) || Lasting(err) {
				t.Errorf("error = %v", err)
			}
			if n := b.vendor.requests("cat"); n != 0 {
				t.Errorf("the vendor was asked %d times for what there is no room for", n)
			}
			b.expectTidy()
			if v.full != ErrNoRoom {
				return // others write to that disk, too
			}
			b.reopen(func(o *Options) { o.FreeLow, o.MaxBytes, o.TotalBytes = free-photoBytes, 2<<20, 64<<20 })
			b.vendor.put("photo", png1(photoBytes)) // which would fit, but for its record
			if _, err := b.Get(t.Context(), request(envelope.PartImage, "photo"), Limit{}); !errors.Is(err, ErrNoRoom) {
				t.Errorf("error = %v", err)
			}
			b.expectTidy()
			b.must("cat")
		})
	}
}
