package jetstream

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/store/storetest"
)

const volumeSize = 24 << 20

// volume is a small disk that other programs may fill up.
type volume struct {
	dir      string
	statDisk func(string) (disk, error) // nil if the real one tells
	fill     func(t *testing.T)
	clear    func(t *testing.T)
}

// volumes returns the small disks that this process can make: a real one where it may mount, and always one that is
// simulated by a limit on the size of files, which makes writes fail just the same.
func volumes(t *testing.T) map[string]volume {
	found := map[string]volume{"simulated": simulatedVolume(t)}
	if dir, ok := storetest.MountDisk(t, "24"); ok {
		found["mounted"] = mountedVolume(dir)
	}
	return found
}

func mountedVolume(dir string) volume {
	other := filepath.Join(dir, "other-program")
	return volume{
		dir: filepath.Join(dir, "store"),
		fill: func(t *testing.T) {
			file, err := os.Create(other)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for block := make([]byte, 1<<20); len(block) > 0; {
				if _, err := file.Write(block); errors.Is(err, unix.ENOSPC) {
					block = block[:len(block)/2]
				} else if err != nil {
					t.Fatal(err)
				}
			}
		},
		clear: func(t *testing.T) {
			if err := os.Remove(other); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		},
	}
}

func simulatedVolume(t *testing.T) volume {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	restore := func(t *testing.T) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { restore(t) })
	var others atomic.Uint64 // bytes that other programs take
	return volume{
		dir: t.TempDir(),
		statDisk: func(dir string) (disk, error) {
			used, err := usedBytes(dir)
			return disk{size: volumeSize, free: volumeSize - min(volumeSize, used+others.Load())}, err
		},
		fill: func(t *testing.T) {
			others.Store(math.MaxUint32)
			// Large enough for the log that the go command keeps of the test, and soon reached by a block file.
			if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: before.Max}); err != nil {
				t.Fatal(err)
			}
		},
		clear: func(t *testing.T) {
			others.Store(0)
			restore(t)
		},
	}
}
