package protocol

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

func full() *envelope.Envelope {
	at := time.Date(2026, 3, 1, 12, 30, 15, 123456789, time.UTC)
	return &envelope.Envelope{
		ID: "id", Channel: "c", VendorID: "v", Thread: "t", Conversation: "conv", Epoch: 7,
		Sender: envelope.Sender{Role: envelope.RoleAgent, ID: "a", Name: "Ann"}, Kind: envelope.KindMessage,
		Parts: []envelope.Part{
			envelope.TextPart("hello"),
			{Type: envelope.PartImage, Text: "cap", URL: "https://x/y", Ref: "r", ContentType: "image/png", Name: "n", Size: 9},
			{Type: envelope.PartLocation, Latitude: 1.5, Longitude: -2.5},
			{Type: envelope.PartSuggestions, Items: []string{"a", "b"}, Attributes: map[string]string{"k": "v"}},
		},
		RefersTo: []string{"x"}, SentAt: at, AcceptedAt: at.Add(time.Second), Attributes: map[string]string{"k": "v"},
		Cause: "cause", Hops: 2, Raw: []byte{0, 1, 2},
	}
}

func TestEnvelopeRoundTrip(t *testing.T) {
	for name, e := range map[string]*envelope.Envelope{"full": full(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			b, err := EncodeEnvelope(e)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeEnvelope(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(e, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The envelope of the round trip must have all fields, so that the test finds a field that the conversion omits.
func TestFullEnvelopeSetsEveryField(t *testing.T) {
	v := reflect.ValueOf(*full())
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("field %s is not tested", v.Type().Field(i).Name)
		}
	}
	merged := map[string]bool{}
	for _, p := range full().Parts {
		pv := reflect.ValueOf(p)
		for i := range pv.NumField() {
			merged[pv.Type().Field(i).Name] = merged[pv.Type().Field(i).Name] || !pv.Field(i).IsZero()
		}
	}
	for name, filled := range merged {
		if !filled {
			t.Errorf("field %s of parts is not tested", name)
		}
	}
}

func TestInvalidInputIsAnError(t *testing.T) {
	if _, err := DecodeEnvelope([]byte{0xff, 0xff}); err == nil {
		t.Error("invalid bytes were decoded")
	}
	bad := full()
	bad.Parts[0].Text = "\xff"
	if _, err := EncodeEnvelope(bad); err == nil {
		t.Error("invalid UTF-8 was encoded")
	}
}

func TestOverlayReplacesAssignedFields(t *testing.T) {
	accepted := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	assigned := &pluginpb.Assigned{
		Id: "new", Conversation: "conv2", Epoch: 9, AcceptedAt: timestamppb.New(accepted), Hops: 3,
		Attributes: map[string]string{"k": "over", "more": "x"},
	}
	e := full()
	Overlay(e, assigned)
	want := full()
	want.ID, want.Conversation, want.Epoch, want.AcceptedAt, want.Hops = "new", "conv2", 9, accepted, 3
	want.Attributes = map[string]string{"k": "over", "more": "x"}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	assigned.Text = "a piece"
	Overlay(e, assigned)
	if diff := cmp.Diff([]envelope.Part{envelope.TextPart("a piece")}, e.Parts); diff != "" {
		t.Error(diff)
	}
	bare := &envelope.Envelope{}
	Overlay(bare, assigned)
	if bare.Attributes["more"] != "x" {
		t.Errorf("attributes %v", bare.Attributes)
	}
	same := full()
	Overlay(same, nil)
	if diff := cmp.Diff(full(), same); diff != "" {
		t.Error(diff)
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	b, err := EncodeEnvelope(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := DecodeEnvelope(b)
		if err != nil {
			return
		}
		again, err := EncodeEnvelope(e)
		if err != nil {
			t.Fatalf("decoded, but not encoded: %v", err)
		}
		second, err := DecodeEnvelope(again)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(EnvelopeToProto(e), EnvelopeToProto(second)) {
			t.Errorf("the second decoding differs")
		}
	})
}
