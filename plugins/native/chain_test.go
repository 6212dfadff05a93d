package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// recordingFarEnd is a far end. It records the last call as the request that the adapter of the far end receives.
type recordingFarEnd struct{ last *sdk.Request }

// RoundTrip implements http.RoundTripper.
func (w *recordingFarEnd) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.last = &sdk.Request{
		Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), FullPath: r.URL.EscapedPath(), Header: r.Header, Body: body,
	}
	return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader([]byte("{}"))), Request: r}, nil
}

// chain contains the adapters of two gateways. near posts messages with its channel "relay". far receives them with its
// channel "near".
type chain struct {
	near, far *adapter
	wire      *recordingFarEnd
}

func newChain(t *testing.T) *chain {
	c := &chain{wire: &recordingFarEnd{}}
	client := &http.Client{Transport: c.wire}
	near := strings.NewReplacer("https://relay.example/x", "https://far.example", testSecret+" "+previousSecret, testSecret).
		Replace(relay)
	c.near = withBots(t, configured(t, nil, nil), map[string]string{"relay": near}, client)
	c.far = configured(t, map[string]string{"near": strings.Replace(livechat, `"https://site.example/replies"`,
		`"https://near.example`+answersPath+`relay","reply_token":"answer-sesame","reply_secret":"`+testSecret+`"`, 1)}, client)
	return c
}

// send delivers with one adapter and receives the call with the other adapter.
func (c *chain) send(t rapid.TB, from *adapter, d *sdk.Delivery, to *adapter, channel string) []*envelope.Envelope {
	receipt, err := from.Deliver(context.Background(), d)
	if err != nil || receipt.Degraded != "" {
		t.Fatalf("Deliver: %+v, %v", receipt, err)
	}
	c.wire.last.Channels = []string{channel}
	got, err := to.Receive(context.Background(), c.wire.last)
	if err != nil {
		t.Fatalf("Receive: %v of %s", err, c.wire.last.Body)
	}
	for _, e := range got.Envelopes {
		if err := e.Validate(); err != nil {
			t.Fatalf("invalid envelope: %v", err)
		}
	}
	return got.Envelopes
}

var (
	texts   = rapid.StringN(1, 40, 400)
	fields  = rapid.StringMatching(`[a-zA-Z0-9 ./äöü字-]{0,40}`)
	userIDs = rapid.StringMatching(`[a-zA-Z0-9 /%.:字-]{1,40}`)
)

// links generates links to media.
var links = rapid.StringMatching(`https?://cdn\.example/[a-z0-9/?&=%#.]{0,8}`).Filter(
	func(s string) bool { return checkLink(s, "") == nil })

// media generates media with all fields.
var media = rapid.Custom(func(t *rapid.T) envelope.Part {
	return envelope.Part{
		Type: rapid.SampledFrom(mediaParts).Draw(t, "type"),
		URL:  links.Draw(t, "url"),
		Text: rapid.StringN(0, 20, 100).Draw(t, "caption"), ContentType: fields.Draw(t, "content type"), Name: fields.Draw(t, "name"),
		Size: rapid.Int64Range(0, 1<<40).Draw(t, "size"),
	}
})

// drawParts generates a text, media or both, in the order of the format.
func drawParts(t *rapid.T) []envelope.Part {
	if !rapid.Bool().Draw(t, "words") {
		return rapid.SliceOfN(media, 1, 4).Draw(t, "media")
	}
	parts := []envelope.Part{envelope.TextPart(texts.Draw(t, "text"))}
	return append(parts, rapid.SliceOfN(media, 0, 4).Draw(t, "media")...)
}

// drawAttributes generates the attributes of a website's userData.
func drawAttributes(t *rapid.T) map[string]string {
	attributes := map[string]string{}
	if agents := rapid.SliceOfN(texts, 0, 3).Draw(t, "target agents"); len(agents) > 0 {
		attributes[attrTargetAgents] = compact(t, agents)
	}
	if rapid.Bool().Draw(t, "custom payload") {
		attributes[attrCustomPayload] = compact(t, customPayload{Data: rapid.StringN(0, 255, -1).Draw(t, "data")})
	}
	return attributes
}

func compact(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A message of the near gateway arrives at the far gateway without a change.
func TestMessageArrivesThroughTheChain(t *testing.T) {
	c := newChain(t)
	rapid.Check(t, func(t *rapid.T) {
		e := &envelope.Envelope{
			ID: "e1", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: "visitor"},
			Parts: drawParts(t), Attributes: drawAttributes(t), Hops: rapid.IntRange(0, 8).Draw(t, "hops"),
		}
		user := userIDs.Draw(t, "user")
		got := c.send(t, c.near, &sdk.Delivery{Channel: "relay", Key: testKey, Attempt: 1, Thread: user, Envelope: e}, c.far, "near")
		want := []*envelope.Envelope{{
			Channel: "near", VendorID: testKey, Thread: thread{"d8ai", "d8ai_chatbot", user}.String(), Kind: envelope.KindMessage,
			Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: user}, Parts: e.Parts, Attributes: e.Attributes, Hops: e.Hops,
		}}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// An answer of the far gateway arrives at the near gateway without a change.
func TestAnswerArrivesThroughTheChain(t *testing.T) {
	c := newChain(t)
	rapid.Check(t, func(t *rapid.T) {
		e := &envelope.Envelope{
			ID: "019a0000-0000-7000-8000-000000000001", VendorID: rapid.StringMatching(`[a-z0-9 :-]{0,30}`).Draw(t, "vendor id"),
			Kind: envelope.KindMessage, Parts: drawParts(t), Attributes: drawAttributes(t), Hops: rapid.IntRange(0, 8).Draw(t, "hops"),
			Sender: envelope.Sender{
				Role: rapid.SampledFrom([]envelope.Role{envelope.RoleBot, envelope.RoleAgent, envelope.RoleSystem}).Draw(t, "role"),
				Name: rapid.StringN(0, 30, 120).Draw(t, "name"),
			},
			SentAt: time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "sent at")).UTC(),
		}
		if items := rapid.SliceOfN(texts, 0, 4).Draw(t, "suggestions"); len(items) > 0 {
			if rapid.Bool().Draw(t, "nothing else") {
				e.Parts = nil
			}
			e.Parts = append(e.Parts, envelope.Part{Type: envelope.PartSuggestions, Items: items})
		}
		user := userIDs.Draw(t, "user")
		to := thread{"d8ai", "d8ai_chatbot", user}.String()
		got := c.send(t, c.far, &sdk.Delivery{Channel: "near", Key: testKey, Attempt: 1, Thread: to, Envelope: e}, c.near, "relay")
		id := e.ID
		if e.VendorID != "" {
			id += " " + e.VendorID
		}
		want := []*envelope.Envelope{{
			Channel: "relay", VendorID: id, Thread: user, Kind: envelope.KindMessage, Sender: e.Sender, Parts: e.Parts,
			SentAt: e.SentAt, Attributes: e.Attributes, Hops: e.Hops,
		}}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// The cases are the meanings of each event at the other gateway, in both directions.
func TestEventsArriveThroughTheChain(t *testing.T) {
	c := newChain(t)
	far, near := thread{"d8ai", "d8ai_chatbot", "u"}.String(), "u"
	reason := map[string]string{"reason": "idle"}
	passed := func(role string) map[string]string {
		return map[string]string{"title": "Service team", "owner_role": role, "reason": "offer"}
	}
	tests := []struct {
		name       string
		fromFar    bool
		sent, want envelope.Envelope
	}{
		{"visitor types", false, envelope.Envelope{Kind: envelope.KindTyping}, envelope.Envelope{Kind: envelope.KindTyping}},
		{"visitor has read", false, envelope.Envelope{Kind: envelope.KindRead, RefersTo: []string{"m1 v1", "m2 v2"}},
			envelope.Envelope{Kind: envelope.KindRead, RefersTo: []string{"v1", "v2"}}},
		{"visitor is gone", false, envelope.Envelope{Kind: envelope.KindClosed, Attributes: reason},
			envelope.Envelope{Kind: envelope.KindDisconnected, Attributes: map[string]string{"reason": "closed"}}},
		{"agent types", true, envelope.Envelope{Kind: envelope.KindTyping, Sender: envelope.Sender{Role: envelope.RoleAgent, Name: "Chen"}},
			envelope.Envelope{Kind: envelope.KindTyping, Sender: envelope.Sender{Role: envelope.RoleAgent, Name: "Chen"}}},
		{"conversation is closed", true,
			envelope.Envelope{Kind: envelope.KindClosed, Attributes: reason, Sender: envelope.Sender{Role: envelope.RoleSystem}},
			envelope.Envelope{Kind: envelope.KindDisconnected, Attributes: reason, Sender: envelope.Sender{Role: envelope.RoleSystem}}},
		{"agent takes over", true,
			envelope.Envelope{Kind: envelope.KindPassed, Attributes: passed("agent"), Sender: envelope.Sender{Role: envelope.RoleSystem}},
			envelope.Envelope{Kind: envelope.KindConnected, Attributes: passed("agent"), Sender: envelope.Sender{Role: envelope.RoleAgent}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &sdk.Delivery{Channel: "relay", Key: testKey, Attempt: 1, Thread: near, Envelope: &tt.sent}
			from, to, channel := c.near, c.far, "near"
			tt.want.Channel, tt.want.Thread, tt.want.VendorID = channel, far, testKey
			if !tt.fromFar {
				tt.want.Sender = envelope.Sender{Role: envelope.RoleCustomer, ID: near}
			} else {
				from, to, channel = c.far, c.near, "relay"
				d.Channel, d.Thread, tt.sent.ID = "near", far, "e1"
				tt.want.Channel, tt.want.Thread, tt.want.VendorID = channel, near, "e1"
			}
			got := c.send(t, from, d, to, channel)
			if diff := cmp.Diff([]*envelope.Envelope{&tt.want}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// An empty customPayload is returned as others are.
func TestEmptyCustomPayloadIsReturned(t *testing.T) {
	d := delivery()
	d.Envelope.Attributes = map[string]string{attrCustomPayload: "{}"}
	r, degraded, err := reply(d)
	if err != nil || len(degraded) > 0 {
		t.Fatalf("%q, %v", degraded, err)
	}
	sent, err := json.Marshal(r)
	if want := `"userData":{"customPayload":{}}`; err != nil || !strings.Contains(string(sent), want) {
		t.Errorf("%s, %v; want %s in it", sent, err, want)
	}
}
