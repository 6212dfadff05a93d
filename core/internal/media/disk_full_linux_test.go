package media

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store/storetest"
	"patchbay/sdk/envelope"
)

const (
	smallDiskMiB = 8
	photoBytes   = 1<<20 + 300_000
)

// The disk becomes full at different bytes of a medium. No part of the medium must remain, cached media must be served,
// and the medium must be fetched when there is space.
func TestFullDisk(t *testing.T) {
	blocks := int64((photoBytes + blockBytes - 1) / blockBytes * blockBytes)
	for name, free := range map[string]int64{"first block": 0, "in the middle": 600 << 10, "metadata": blocks} {
		for kind, d := range storetest.SmallDisks(t, smallDiskMiB) {
			t.Run(name+", "+kind, func(t *testing.T) {
				b := open(t)
				b.dir = d.Dir
				b.reopen(func(o *Options) { o.MaxBytes, o.TotalBytes = 2<<20, 64<<20 })
				b.vendor.put("old", png1(5000))
				b.vendor.put("photo", png1(photoBytes))
				old := b.must("old")
				d.Fill(t, free)
				want, result := error(unix.EFBIG), "desk "+ResultFailed
				if d.Mounted {
					want, result = ErrNoRoom, "desk "+ResultNoRoom
				}
				for range 2 {
					_, err := b.Get(t.Context(), request(envelope.PartImage, "photo"), Limit{})
					if !errors.Is(err, want) || IsPermanent(err) {
						t.Errorf("error = %v, want %v", err, want)
					}
					b.expectFilesOfItems()
				}
				if got := b.counts.results()[1:]; !slices.Equal(got, []string{result, result}) {
					t.Errorf("counted %v, want %s", got, result)
				}
				if r := b.sendRequest("GET", b.Link(old)); r.StatusCode != 200 || !bytes.Equal(body(t, r), picture(5000)) {
					t.Errorf("cached medium: status %d", r.StatusCode)
				}
				d.Clear(t)
				if got := content(t, b.must("photo")); !bytes.Equal(got, picture(photoBytes)) {
					t.Error("other bytes than the vendor's")
				}
				b.expectFilesOfItems()
			})
		}
	}
}

// The log is on the same disk and must continue when there is no space for media.
func TestFreeSpaceIsReserved(t *testing.T) {
	for kind, d := range storetest.SmallDisks(t, smallDiskMiB) {
		t.Run(kind, func(t *testing.T) {
			b := open(t)
			b.dir = d.Dir
			b.reopen(func(o *Options) { o.FreeLow = 0 })
			space, err := disk.ReadSpace(d.Dir)
			if err != nil || b.opt.FreeLow <= 0 || b.opt.FreeLow != min(int64(space.Size)/10, maxDefaultFreeLow) ||
				d.Mounted && space.Size != smallDiskMiB<<20 {
				t.Fatalf("FreeLow = %d on a disk of %d bytes, %v", b.opt.FreeLow, space.Size, err)
			}
			b.reopen(func(o *Options) { o.FreeLow = 1 << 60 })
			b.vendor.put("cat", png1(5000))
			_, err = b.Get(t.Context(), request(envelope.PartImage, "cat"), Limit{})
			if !errors.Is(err, ErrNoRoom) || IsPermanent(err) {
				t.Errorf("Get without space = %v, want ErrNoRoom", err)
			}
			if n := b.vendor.requests("cat"); n != 0 {
				t.Errorf("%d requests to the vendor without space for the medium", n)
			}
			b.expectFilesOfItems()
			if !d.Mounted {
				return // other programs write to that disk
			}
			b.reopen(func(o *Options) { o.FreeLow, o.MaxBytes, o.TotalBytes = int64(space.Free)-photoBytes, 2<<20, 64<<20 })
			b.vendor.put("photo", png1(photoBytes)) // fits without its metadata
			if _, err := b.Get(t.Context(), request(envelope.PartImage, "photo"), Limit{}); !errors.Is(err, ErrNoRoom) {
				t.Errorf("error = %v", err)
			}
			b.expectFilesOfItems()
			b.must("cat")
		})
	}
}
