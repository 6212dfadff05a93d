package jetstream

import (
	"sync/atomic"
	"testing"

	"patchbay/core/internal/disk"
	"patchbay/core/internal/store/storetest"
)

const smallDiskMiB = 24

// smallDisk is a disk that a test can fill. readSpace is the option of a store on this disk.
type smallDisk struct {
	storetest.SmallDisk
	readSpace func(string) (disk.Space, error) // nil for a mounted volume
}

func smallDisks(t *testing.T) map[string]smallDisk {
	t.Helper()
	disks := map[string]smallDisk{}
	for name, d := range storetest.SmallDisks(t, smallDiskMiB) {
		small := smallDisk{SmallDisk: d}
		if !d.Mounted {
			var full atomic.Bool
			small.Fill = func(t *testing.T, free int64) { t.Helper(); full.Store(true); d.Fill(t, free) }
			small.Clear = func(t *testing.T) { t.Helper(); full.Store(false); d.Clear(t) }
			small.readSpace = func(dir string) (disk.Space, error) {
				used, err := usedBytes(dir)
				if full.Load() {
					used = smallDiskMiB << 20
				}
				return disk.Space{Size: smallDiskMiB << 20, Free: smallDiskMiB<<20 - min(smallDiskMiB<<20, used)}, err
			}
		}
		disks[name] = small
	}
	return disks
}
