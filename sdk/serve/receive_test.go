package serve

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

func TestRequestAndAnswerAreConverted(t *testing.T) {
	var got *sdk.Request
	svc := newService(&scripted{receive: func(_ context.Context, r *sdk.Request) (*sdk.Reception, error) {
		got = r
		return &sdk.Reception{Response: sdk.Response{Status: 202, ContentType: "a/b", Body: []byte("x"), Header: map[string]string{"H": "v"}}}, nil
	}}, noLogger)
	res := svc.receive(t.Context(), &pluginpb.ReceiveCall{
		Id: 3, Channels: []string{"c", "d"}, Method: "POST", Host: "h", Path: "/p", FullPath: "/x/p", Query: "q=1",
		Header: []*pluginpb.Header{{Name: "x-a", Value: "1"}, {Name: "X-A", Value: "2"}}, Body: []byte("body"), Remote: "1.2.3.4:5",
	})
	want := &sdk.Request{
		Channels: []string{"c", "d"}, Method: "POST", Host: "h", Path: "/p", FullPath: "/x/p", Query: "q=1",
		Header: http.Header{"X-A": {"1", "2"}}, Body: []byte("body"), Remote: "1.2.3.4:5",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	a := res.GetResponse()
	if res.GetId() != 3 || a.GetStatus() != 202 || string(a.GetBody()) != "x" || a.GetHeader()[0].GetValue() != "v" {
		t.Errorf("result %v", res)
	}
}

func TestEnvelopeForAnotherChannelIsAnError(t *testing.T) {
	svc := newService(&scripted{receive: func(context.Context, *sdk.Request) (*sdk.Reception, error) {
		return &sdk.Reception{Envelopes: []*envelope.Envelope{hello()}}, nil
	}}, noLogger)
	e := svc.receive(t.Context(), &pluginpb.ReceiveCall{Channels: []string{"other"}}).GetError()
	if e.GetStatus() != 500 || !strings.Contains(e.GetText(), `channel: "c" is not a channel of this call`) {
		t.Errorf("error %v", e)
	}
}
