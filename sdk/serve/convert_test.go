package serve

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

func TestRepeatedHeaderFieldsKeepAllTheirValues(t *testing.T) {
	got := requestFromProto(&pluginpb.ReceiveCall{Header: []*pluginpb.Header{
		{Name: "Forwarded", Value: "for=1"}, {Name: "accept", Value: "text/plain"}, {Name: "forwarded", Value: "for=2"},
		{Name: "Content-Type", Value: "application/json"}, {Name: "FORWARDED", Value: "for=3"}, {Name: "X-Empty"},
	}})
	want := http.Header{
		"Forwarded": {"for=1", "for=2", "for=3"}, "Accept": {"text/plain"}, "Content-Type": {"application/json"}, "X-Empty": {""},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestDeliveryOfACopyHasTheDecision(t *testing.T) {
	call := sendCall(t, 1, hello(), nil)
	call.GetSend().Copy = &pluginpb.Copy{Rule: "audit", Decision: "sent", Channel: "desk"}
	d, err := deliveryFromProto(call, call.GetSend())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&sdk.Copy{Rule: "audit", Decision: "sent", Channel: "desk"}, d.Copy); diff != "" {
		t.Errorf("copy (-want +got):\n%s", diff)
	}
}
