package serve

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// Deliveries contain no control characters of customers, so that a vendor cannot refuse a message because of them.
func TestDeliveryHasNoControlCharacters(t *testing.T) {
	var got *sdk.Delivery
	svc := newService(&scripted{deliver: func(_ context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		got = d
		return &sdk.Receipt{}, nil
	}}, noLogger)
	dirty := &envelope.Envelope{
		Channel: "c", Thread: "t", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer, Name: "A\x00n\nn"},
		Parts: []envelope.Part{
			envelope.TextPart("a\x00b\x07\nc"),
			envelope.TextPart("\u200b \x00"),
			{Type: envelope.PartImage, Ref: "r", Text: "cap\x1btion", Name: "x\x00\n.png", Items: []string{"y\x00es"},
				Attributes: map[string]string{"branch": "b\u0085"}},
		},
		Attributes: map[string]string{"data": "{\"a\":\"\u0085\"}"},
	}
	svc.attached.put("m", sdk.NewAttachment("image/png", "x\x00.png", []byte("PNG")), time.Now())
	call := sendCall(t, 1, dirty, &pluginpb.Assigned{
		Id: "id", Attributes: map[string]string{"city": "Bonn"}, Media: []*pluginpb.AssignedMedium{{Part: 2, Attachment: "m"}}})
	if e := svc.deliver(t.Context(), call).GetError(); e != nil {
		t.Fatal(e)
	}
	clean := &envelope.Envelope{
		Channel: "c", Thread: "t", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer, Name: "A n n"},
		Parts: []envelope.Part{
			envelope.TextPart("ab\nc"),
			envelope.TextPart(""),
			{Type: envelope.PartImage, Ref: "r", Text: "caption", Name: "x  .png", Items: []string{"yes"},
				Attributes: map[string]string{"branch": "b\u0085"}},
		},
		Attributes: map[string]string{"data": "{\"a\":\"\u0085\"}"},
	}
	if diff := cmp.Diff([]*envelope.Envelope{clean}, got.History); diff != "" {
		t.Errorf("history: %s", diff)
	}
	clean.ID, clean.Attributes = "id", map[string]string{"data": "{\"a\":\"\u0085\"}", "city": "Bonn"}
	if diff := cmp.Diff(clean, got.Envelope); diff != "" {
		t.Errorf("envelope: %s", diff)
	}
	if got.Media[2].Name != "x .png" {
		t.Errorf("attachment %q", got.Media[2].Name)
	}
}

func TestAssignedTextHasNoControlCharacters(t *testing.T) {
	var got *sdk.Delivery
	svc := newService(&scripted{deliver: func(_ context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		got = d
		return &sdk.Receipt{}, nil
	}}, noLogger)
	svc.deliver(t.Context(), sendCall(t, 1, hello(), &pluginpb.Assigned{Text: "Customer: a\x00b"}))
	if text := got.Envelope.Text(); text != "Customer: ab" {
		t.Errorf("text %q", text)
	}
}

func TestOpenRequestHasNoControlCharacters(t *testing.T) {
	var got *sdk.OpenRequest
	svc := newService(&scripted{open: func(_ context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
		got = o
		return &sdk.OpenResult{Thread: "t"}, nil
	}}, noLogger)
	svc.deliver(t.Context(), &pluginpb.DeliverCall{Channel: "c", Action: &pluginpb.DeliverCall_Open{Open: &pluginpb.OpenAction{
		Customer: &pluginpb.Sender{Role: "customer", Id: "u", Name: "A\x00\tB"}, Reason: "r\x00", Attributes: map[string]string{"a": "\u0085b"},
	}}})
	want := &sdk.OpenRequest{Channel: "c", Customer: envelope.Sender{Role: envelope.RoleCustomer, ID: "u", Name: "A  B"}, Reason: "r",
		Attributes: map[string]string{"a": "\u0085b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
