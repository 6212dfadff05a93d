package jetstream

import (
	"bytes"
	"testing"

	"patchbay/core/internal/store"
)

func TestUnusedSnapshotDataIsPurged(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir(), Cap: 512 << 20})
	const size = 1 << 20
	unchanged := make([]byte, size)
	if err := h.log.SaveSnapshot(t.Context(), store.Snapshot{Buckets: map[uint32][]byte{0: unchanged}}); err != nil {
		t.Fatal(err)
	}
	for n := range byte(40) {
		changed := bytes.Repeat([]byte{n}, size)
		s := store.Snapshot{Keep: true, Buckets: map[uint32][]byte{1: changed}}
		if err := h.log.SaveSnapshot(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	info, err := h.log.engine.Load().snapshotStream.Info(t.Context())
	if err != nil || info.State.Bytes > 3*2*size+snapshotSlack+4*size {
		t.Errorf("snapshots take %d bytes, error %v, want a few times %d plus snapshotSlack", info.State.Bytes, err, 2*size)
	}
	got, found, err := h.Reopen(t).LoadSnapshot(t.Context())
	if !found || err != nil || !bytes.Equal(got.Buckets[0], unchanged) || got.Buckets[1][0] != 39 {
		t.Errorf("LoadSnapshot() = found %t, %v, want the unchanged and the newest bucket", found, err)
	}
}
