package memory_test

import (
	"testing"

	"patchbay/core/internal/store"
	"patchbay/core/internal/store/memory"
	"patchbay/core/internal/store/storetest"
)

func TestLog(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, limit uint64) *storetest.Harness {
		disk := memory.NewDisk(limit)
		log := disk.Open()
		h := &storetest.Harness{Log: log}
		h.Reopen = func(t *testing.T) store.Log {
			log.Close()
			log = disk.Open()
			h.Log = log
			return log
		}
		h.AppendAsRival = func(t *testing.T, record []byte) {
			rival := disk.Open()
			if err := rival.Append(t.Context(), rival.Bounds().Last, record); err != nil {
				t.Fatal(err)
			}
		}
		h.LoseResponse = func(_ *testing.T, stored bool) {
			if stored {
				log.Fail(memory.LostStored)
			} else {
				log.Fail(memory.LostUnstored)
			}
		}
		h.DamageSnapshot = func(t *testing.T, _ []byte) store.Log {
			disk.DamageSnapshot("a bucket is unreadable")
			return h.Reopen(t)
		}
		return h
	})
}
