package jetstream

import (
	"errors"
	"testing"

	"patchbay/core/internal/store"
)

func TestReadsReconnect(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	if err := h.log.Append(t.Context(), 0, childRecord(1)); err != nil {
		t.Fatal(err)
	}
	e := h.log.engine.Load()
	id, err := e.reads.GetClientID()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.server.DisconnectClientByID(id); err != nil {
		t.Fatal(err)
	}
	await(t, "reads have a new connection", func() bool {
		now, err := e.reads.GetClientID()
		return err == nil && now != id
	})
	if _, err := h.log.Get(t.Context(), 1); err != nil {
		t.Errorf("Get(1) = %v, want nil", err)
	}
	if err := h.log.SaveSnapshot(t.Context(), store.Snapshot{Seq: 1, Meta: []byte("m")}); err != nil {
		t.Errorf("SaveSnapshot = %v, want nil", err)
	}
}

func TestRecoverAfterLostConnection(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Options{Dir: t.TempDir()})
	if err := h.log.Append(t.Context(), 0, childRecord(1)); err != nil {
		t.Fatal(err)
	}
	e := h.log.engine.Load()
	id, err := e.appends.GetClientID()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.server.DisconnectClientByID(id); err != nil {
		t.Fatal(err)
	}
	<-e.down
	if err := h.log.Append(t.Context(), 1, childRecord(2)); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("Append without a connection = %v, want ErrUnavailable", err)
	}
	if last, err := h.log.Recover(withTimeout(t)); err != nil || last != 1 {
		t.Fatalf("Recover() = %d, %v, want 1, nil", last, err)
	}
	if err := h.log.Append(t.Context(), 1, childRecord(2)); err != nil {
		t.Errorf("Append after Recover = %v, want nil", err)
	}
	checkRecords(t, 0, h.log, 2)
}
