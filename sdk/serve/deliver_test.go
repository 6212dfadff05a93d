package serve

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

func TestDeliveryHasTheEnvelopeWithAssignedValues(t *testing.T) {
	var got *sdk.Delivery
	svc := newService(&scripted{deliver: func(_ context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
		got = d
		return &sdk.Receipt{VendorID: "v", State: []byte{}, Degraded: "no pictures"}, nil
	}}, noLogger)
	out := svc.deliver(t.Context(), sendCall(t, 5, hello(), &pluginpb.Assigned{
		Id: "id", Epoch: 3, Text: "hel", Attributes: map[string]string{"b": "2"}}))
	if out.GetId() != 5 || out.GetError() != nil || out.GetVendorId() != "v" || !out.GetHasState() || out.GetDegraded() != "no pictures" {
		t.Errorf("result %v", out)
	}
	e := hello()
	e.ID, e.Epoch, e.Parts, e.Attributes = "id", 3, []envelope.Part{envelope.TextPart("hel")}, map[string]string{"a": "1", "b": "2"}
	want := &sdk.Delivery{Channel: "c", Key: "k", Attempt: 2, Thread: "t", State: []byte("s"), Envelope: e, History: []*envelope.Envelope{hello()}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidResultsAndErrorsOfDeliverAreTyped(t *testing.T) {
	for name, tc := range map[string]struct {
		receipt *sdk.Receipt
		err     error
		kind    sdk.ErrorKind
		text    string
	}{
		"typed":         {nil, &sdk.Error{Kind: sdk.KindThrottled, Text: "slow down", After: time.Second, Scope: sdk.ScopeLane}, sdk.KindThrottled, "slow down"},
		"wrapped":       {nil, fmt.Errorf("outer: %w", &sdk.Error{Kind: sdk.KindGone}), sdk.KindGone, ""},
		"with cause":    {nil, &sdk.Error{Kind: sdk.KindPermanent, Text: "no", Err: errors.New("why")}, sdk.KindPermanent, "no: why"},
		"untyped":       {nil, errors.New("a\nb"), sdk.KindTransient, "a; b"},
		"without kind":  {nil, &sdk.Error{Text: "x"}, sdk.KindTransient, "x"},
		"no result":     {nil, nil, sdk.KindUnknown, "neither a receipt nor an error"},
		"large state":   {&sdk.Receipt{State: make([]byte, sdk.MaxStateBytes+1)}, nil, sdk.KindUnknown, "thread state of 4097 bytes"},
		"invalid reply": {&sdk.Receipt{Replies: []*envelope.Envelope{{Channel: "c", Kind: "message"}}}, nil, sdk.KindUnknown, "thread: missing"},
		"nil reply":     {&sdk.Receipt{Replies: []*envelope.Envelope{nil}}, nil, sdk.KindUnknown, "reply 0: nil"},
		"other channel": {&sdk.Receipt{Replies: []*envelope.Envelope{func() *envelope.Envelope { e := hello(); e.Channel = "x"; return e }()}},
			nil, sdk.KindUnknown, `must be "c"`},
	} {
		t.Run(name, func(t *testing.T) {
			svc := newService(&scripted{deliver: func(context.Context, *sdk.Delivery) (*sdk.Receipt, error) {
				return tc.receipt, tc.err
			}}, noLogger)
			e := svc.deliver(t.Context(), sendCall(t, 1, hello(), nil)).GetError()
			if e.GetKind() != string(tc.kind) || !strings.Contains(e.GetText(), tc.text) {
				t.Errorf("error %v", e)
			}
		})
	}
}

func TestUntypedErrorAfterTheDeadlineIsUnknown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	svc := newService(&scripted{deliver: func(ctx context.Context, _ *sdk.Delivery) (*sdk.Receipt, error) {
		return nil, ctx.Err()
	}}, noLogger)
	if e := svc.deliver(ctx, sendCall(t, 1, hello(), nil)).GetError(); e.GetKind() != string(sdk.KindUnknown) {
		t.Errorf("error %v", e)
	}
}

// An adapter may return an error of its HTTP client without a change. The addresses in it can contain tokens.
func TestErrorsHaveNoPathsAndQueries(t *testing.T) {
	for text, want := range map[string]string{
		`Post "https://api.example:8443/bot123:SECRET/send?key=SECRET": reset`: `Post "https://api.example:8443/…": reset`,
		"get HTTP://user:SECRET@api.example#SECRET, again":                     "get HTTP://api.example/… again",
		"https://api.example/ and wss://b.example":                             "https://api.example/ and wss://b.example",
		"call https://api.example: refused":                                    "call https://api.example: refused",
		"no address: //x":                                                      "no address: //x",
	} {
		for _, err := range []error{errors.New(text), &sdk.Error{Text: text}, &sdk.Error{Err: errors.New(text)}} {
			if got := errorToProto(err).GetText(); got != want {
				t.Errorf("%T: %q, want %q", err, got, want)
			}
		}
	}
}
