package inbound

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

func TestFieldsThatOnlyTheGatewaySetsAreIgnored(t *testing.T) {
	want := &envelope.Envelope{Channel: "web", VendorID: "v1", Thread: "t1", Kind: envelope.KindMessage, Hops: 2,
		Parts: []envelope.Part{envelope.TextPart("hello")}, Sender: envelope.Sender{Role: envelope.RoleCustomer}}
	sent := *want
	sent.ID, sent.Conversation, sent.Epoch, sent.AcceptedAt, sent.Cause = "i", "c", 7, time.Unix(1, 0), "cause"
	b, err := protocol.EncodeEnvelope(&sent)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := protocol.DecodeEnvelope(b); err != nil || e.ID != sent.ID || e.Cause != sent.Cause {
		t.Fatalf("the encoding lacks the fields: %+v, %v", e, err)
	}
	got, err := Decode([][]byte{b}, []string{"web"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got[0].Envelope); diff != "" {
		t.Error(diff)
	}
}
