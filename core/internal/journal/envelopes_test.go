package journal

import (
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestScanEnvelopes(t *testing.T) {
	want := &Record{
		Lease: 3, At: 1234, Changes: []*Change{{Conversation: "c1"}, {Conversation: "c2"}},
		Envelopes: []*StoredEnvelope{{Id: "e1", Envelope: []byte("one")}, {}, {Id: "e3", Envelope: []byte("three")}},
	}
	data, err := want.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	at, encoded, err := ScanEnvelopes(data)
	if err != nil || at != want.At || len(encoded) != len(want.Envelopes) {
		t.Fatalf("ScanEnvelopes = %d, %d envelopes, %v, want %d, %d envelopes", at, len(encoded), err, want.At,
			len(want.Envelopes))
	}
	for i, b := range encoded {
		var got StoredEnvelope
		if err := got.UnmarshalVT(b); err != nil || !proto.Equal(&got, want.Envelopes[i]) {
			t.Errorf("envelope %d is %v, %v, want %v", i, &got, err, want.Envelopes[i])
		}
	}
	if _, _, err := ScanEnvelopes(data[:len(data)-1]); err == nil {
		t.Error("ScanEnvelopes of a part of a record = nil")
	}
}
