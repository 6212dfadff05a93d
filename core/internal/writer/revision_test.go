package writer

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/store/memory"
)

// revision returns a revision without these channels.
func (h *harness) revision(without ...string) *Revision {
	p := newPolicy(h.tester)
	for _, name := range without {
		delete(p.Channels, name)
	}
	return &Revision{Policy: p, Hash: "another", Cause: "reload"}
}

func TestEachInputIsDecidedByOneRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		h.customer("w1", "m1", "one")
		applied := 0
		r := h.revision()
		r.Applied = func(uint64) { applied++ }
		n, err := h.Revise(r)
		if err != nil || n != 2 || applied != 1 {
			t.Fatalf("Revise = %d, %v; applied %d times", n, err, applied)
		}
		h.customer("w1", "m2", "two")
		seen := map[string]uint64{}
		for _, c := range h.commits.all() {
			for _, ch := range c.Record.GetChanges() {
				if ch.GetRevised() != nil && c.Record.GetRevision() == 2 && len(c.Record.GetChanges()) > 1 {
					t.Errorf("the revision shares a record with other inputs: %v", c.Record)
				}
				if a := ch.GetAccepted(); a != nil {
					seen[a.GetVendorId()] = c.Record.GetRevision()
				}
			}
		}
		if seen["m1"] != 1 || seen["m2"] != 2 {
			t.Errorf("revisions of the messages: %v", seen)
		}
		h.restart()
		if got := h.Policy.Revision; got != 3 {
			t.Errorf("revision after a restart: %d, want 3", got)
		}
		_ = h.stop()
		h.checkRestored()
	})
}

func TestAllConversationsAreAdapted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		const n = 3 * maxAdaptedAtOnce
		for i := range n {
			h.customer(fmt.Sprint("w", i), "m", "desk now")
		}
		if _, err := h.Revise(h.revision("desk")); err != nil {
			t.Fatal(err)
		}
		h.customer("w700", "m2", "hello")
		time.Sleep(time.Minute)
		for i := range n {
			if c := h.conv(fmt.Sprint("w", i)); c.Owner != "faq" {
				t.Fatalf("the owner of %s is %s, want faq", c.Thread, c.Owner)
			}
		}
		if err := h.stop(); err != nil {
			t.Errorf("Run = %v", err)
		}
		h.checkRestored()
	})
}

func TestRevisionThatIsNotStoredChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.log.Fail(memory.LostUnstored)
		r := h.revision("desk")
		r.Applied = func(uint64) { t.Error("applied") }
		if n, err := h.Revise(r); !errors.Is(err, ErrNotStored) {
			t.Errorf("Revise = %d, %v", n, err)
		}
	})
}

// After a change of settings, a failed delivery does not wait for the rest of its delay. After a new process with the
// same settings, only a delivery with refused credentials does not wait.
func TestFailedDeliveryIsRepeatedWithOtherSettings(t *testing.T) {
	for name, tc := range map[string]struct {
		kind               string
		restarted, changed []string
		released           bool
	}{
		"credentials refused":                      {"unauthorized", []string{"desk", "faq"}, nil, true},
		"credentials refused, the process stays":   {"unauthorized", []string{"desk"}, nil, false},
		"the vendor asked for a pause":             {"throttled", []string{"faq"}, []string{"faq"}, false},
		"the vendor failed, and may need its time": {"transient", []string{"desk", "faq"}, []string{"desk"}, false},
		"the vendor failed, with other settings":   {"transient", []string{"faq"}, []string{"faq"}, true},
		"no response, with other settings":         {"unknown", []string{"faq"}, []string{"faq"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := openHarness(t)
				defer h.stop()
				h.customer("w1", "m1", "one")
				j := h.head("faq")
				refused := attempt.Outcome{
					Result: attempt.ResultRetry, Error: tc.kind, Text: "HTTP 401", Next: h.Now().Add(time.Minute),
				}
				h.finish(j, refused)
				r := h.revision()
				r.Restarted, r.Changed = tc.restarted, tc.changed
				if _, err := h.Revise(r); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Second)
				if !tc.released {
					h.idle("faq")
					time.Sleep(time.Minute)
					h.head("faq")
					return
				}
				again := h.head("faq")
				refused.Next = h.Now().Add(time.Minute)
				h.finish(again, refused) // the new credentials are wrong too
				time.Sleep(59 * time.Second)
				h.idle("faq")
				time.Sleep(2 * time.Second)
				if last := h.head("faq"); last.Delivery.ID != j.Delivery.ID || last.Delivery.Attempts != 2 {
					t.Errorf("then %+v was released, want the delivery %s after 2 attempts", last.Delivery, j.Delivery.ID)
				}
			})
		})
	}
}

func TestDeliveriesToAVanishedChannelAreNotReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openHarness(t)
		defer h.stop()
		h.customer("w1", "m1", "desk now")
		h.lanes.take("desk")
		h.customer("w1", "m2", "bot now")
		if _, err := h.Revise(h.revision("web")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for j := h.lanes.take("web"); j != nil; j = h.lanes.take("web") {
			t.Errorf("released %s to a removed channel", j.Delivery.Kind)
		}
		p := h.Policy
		if p.IsConfigured("web") || p.Vanished["web"].IsZero() {
			t.Errorf("vanished channels: %v", p.Vanished)
		}
	})
}

// The changes of adapted conversations and of inputs share a record. If they do not fit, the batch is reduced.
func TestAdaptationsThatDoNotFitAreShared(t *testing.T) {
	w := New(Options{})
	b := &batch{unadapted: []string{"a", "b", "c"}, timers: []string{"d"}}
	for n := b.inputs(); n > 1; n = b.inputs() {
		if w.shrinkBatch(b, "too large"); b.inputs() >= n {
			t.Fatalf("%d of %d inputs are left", b.inputs(), n)
		}
	}
	if len(b.unadapted) != 1 || !slices.Equal(w.unadapted, []string{"b", "c"}) {
		t.Errorf("in the batch %v, for the next one %v", b.unadapted, w.unadapted)
	}
}
