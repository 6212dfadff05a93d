package cli

import (
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/trail"
)

func TestPendingLinesShowDeliveryIDsOnceThereAreAny(t *testing.T) {
	var out strings.Builder
	writeState(&out, &trail.Conversation{
		State: &trail.State{Owner: "faq", Home: "faq", Epoch: 1, OwnerSince: time.Unix(0, 0).UTC()},
		Pending: []trail.PendingDelivery{
			{Kind: "send", Status: "held", Channel: "desk", Reason: "held until the offer to desk ends"},
			{Kind: "send", Status: "in flight", Channel: "faq", Delivery: "d1", Reason: "the call began 4s ago"},
		},
	})
	want := `  owner faq (epoch 1, since 1970-01-01T00:00:00Z), home faq
  held: send to desk: held until the offer to desk ends
  in flight: send to faq d1: the call began 4s ago
`
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
