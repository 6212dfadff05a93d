package serve

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"patchbay/sdk"
	"patchbay/sdk/httpclient"
	"patchbay/sdk/protocol/pluginpb"
)

func TestDescribeFailsForAnInvalidSettingsStruct(t *testing.T) {
	_, client := connect(t, &scripted{description: sdk.Description{Name: "x", Settings: &struct{ A int }{}}})
	_, err := client.Describe(t.Context(), &pluginpb.DescribeRequest{})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "field A: needs a json tag") {
		t.Errorf("error %v", err)
	}
}

func TestDescribeHasTheNamesThatRulesCanUse(t *testing.T) {
	declared := map[string]string{"acme.tier": "The customer's tier."}
	reasons := map[string]string{"closed": "The visitor left.", sdk.AnyReason: "The far end's own."}
	_, client := connect(t, &scripted{description: sdk.Description{Name: "x", Attributes: declared, EventReasons: reasons}})
	d, err := client.Describe(t.Context(), &pluginpb.DescribeRequest{})
	if err != nil || !maps.Equal(d.GetAttributes(), declared) || !maps.Equal(d.GetEventReasons(), reasons) {
		t.Errorf("description %v, error %v", d, err)
	}
	_, client = connect(t, &scripted{description: sdk.Description{Name: "x", Attributes: map[string]string{"tier": "x"}}})
	_, err = client.Describe(t.Context(), &pluginpb.DescribeRequest{})
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), `attribute "tier" has no dot`) {
		t.Errorf("error %v", err)
	}
}

func TestConfigureKeepsConnectionsUnlessAllowChanges(t *testing.T) {
	var clients []*http.Client
	svc := newService(&scripted{configure: func(ch sdk.Channel) (sdk.Endpoint, error) {
		clients = append(clients, ch.Host.HTTP)
		return sdk.Endpoint{}, nil
	}}, noLogger)
	for _, allow := range [][]string{{"10.0.0.0/8"}, {"10.0.0.0/8"}, {"10.0.0.0/9"}} {
		r, err := svc.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: &pluginpb.ChannelConfig{Name: "c", Allow: allow}})
		if err != nil || r.GetError() != nil || r.GetThreads() != "per_conversation" {
			t.Fatal(err, r)
		}
	}
	if clients[0] != clients[1] || clients[1] == clients[2] {
		t.Error("the client must be kept unless allow changes")
	}
	for field, c := range map[string]*pluginpb.ChannelConfig{
		"allow": {Name: "c", Allow: []string{"x"}}, "allow_links": {Name: "c", AllowLinks: []string{"10.0.0.0"}},
	} {
		r, err := svc.Configure(t.Context(), &pluginpb.ConfigureRequest{Channel: c})
		if err != nil || r.GetError().GetKind() != string(sdk.KindInvalid) || r.GetError().GetField() != field {
			t.Errorf("an invalid CIDR in %s: %v %v", field, r, err)
		}
	}
}

func TestValidateDecodesSettingsAndCallsTheAdapter(t *testing.T) {
	a := &scripted{
		description: sdk.Description{Settings: &struct {
			A string `json:"a"`
		}{}},
		validate: func(sdk.Channel) []sdk.Problem { return []sdk.Problem{{Path: "a", Message: "odd", Warning: true}} },
	}
	svc := newService(a, noLogger)
	validate := func(settings string) []*pluginpb.Problem {
		r, err := svc.Validate(t.Context(), &pluginpb.ValidateRequest{Channel: &pluginpb.ChannelConfig{Settings: []byte(settings)}})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetProblems()
	}
	if p := validate(`{"b":1}`); len(p) != 1 || p[0].GetPath() != "b" || !strings.HasPrefix(p[0].GetMessage(), "unknown") {
		t.Errorf("problems %v", p)
	}
	if p := validate(`{"a":"x"}`); len(p) != 1 || p[0].GetPath() != "a" || !p[0].GetWarning() {
		t.Errorf("problems %v", p)
	}
	a.validate = func(sdk.Channel) []sdk.Problem { panic("oops") }
	_, err := svc.Validate(t.Context(), &pluginpb.ValidateRequest{Channel: &pluginpb.ChannelConfig{Settings: []byte(`{"a":"x"}`)}})
	if err == nil || !strings.Contains(err.Error(), "the adapter panicked: oops") {
		t.Errorf("panic: %v", err)
	}
}

func TestForbiddenAddressIsPermanentAndNamesTheSetting(t *testing.T) {
	c := httpclient.New(nil)
	_, err := c.Get("http://127.0.0.1:1/")
	e := sdk.FromTransport("send message", err)
	if e.Kind != sdk.KindPermanent || !strings.Contains(errorToProto(e).GetText(), "allow: [127.0.0.1/32]") {
		t.Errorf("error %v", e)
	}
}
