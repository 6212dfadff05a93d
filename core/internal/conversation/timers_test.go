package conversation

import (
	"testing"
	"time"

	"patchbay/core/internal/state"
)

func TestCloseAfter(t *testing.T) {
	h := newHarness(t, testPolicy(t))
	h.customer("hello")
	if at, _ := NextTimer(h.conv(), h.policy); !at.IsZero() {
		t.Fatalf("a conversation with undelivered messages closes at %v", at)
	}
	h.drain("faq")
	at, after := NextTimer(h.conv(), h.policy)
	if want := h.now.Add(h.policy.CloseAfter); !at.Equal(want) || after != h.policy.CloseAfter {
		t.Fatalf("closes at %v after %v, want %v", at, after, want)
	}
	h.advance(h.policy.CloseAfter - 1)
	h.want("closed by", h.conv().Closing, "")
	h.advance(1)
	h.want("closed by", h.conv().Closing, state.ReasonCloseAfter)
	h.advance(closedRetention - time.Second)
	if h.state.Len() != 1 {
		t.Fatal("removed early")
	}
	h.advance(time.Second)
	if h.state.Len() != 0 {
		t.Fatal("the conversation is still there")
	}
	for th := range h.threads {
		if id := h.state.Find(th.channel, th.thread); id != "" {
			t.Fatalf("thread %v still leads to %s", th, id)
		}
	}
	h.customer("hello again")
	h.wantOwner("faq", 1)
}
