package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func TestInvalidAnswersAreRefused(t *testing.T) {
	a := withBots(t, configured(t, nil, nil), map[string]string{"faq": faq}, nil)
	tests := []struct {
		name, body string
		header     http.Header
		status     int
		field      string
	}{
		{name: "empty body", status: 400},
		{name: "null", body: `null`, status: 400, field: "userId"},
		{name: "user empty", body: strings.Replace(accepted, testUser, "", 1), status: 400, field: "userId"},
		{name: "user a number", body: strings.Replace(accepted, `"`+testUser+`"`, "1", 1), status: 400, field: "userId"},
		{name: "user too long", body: strings.Replace(accepted, testUser, strings.Repeat("x", 257), 1), status: 400,
			field: "userId"},
		{name: "user with a NUL", body: strings.Replace(accepted, testUser, `\u0000`, 1), status: 400, field: "userId"},
		{name: "hops not a number", body: accepted, header: http.Header{"Patchbay-Hops": {"many"}}, status: 400,
			field: "Patchbay-Hops"},
		{name: "hops twice", body: accepted, header: http.Header{"Patchbay-Hops": {"1", "2"}}, status: 400,
			field: "Patchbay-Hops"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := answer(t, "faq", tt.body)
			for name, values := range tt.header {
				req.Header[name] = values
			}
			got, err := a.Receive(t.Context(), req)
			checkRefusal(t, got, err, tt.status, tt.field)
		})
	}
}

// An authenticated answer is kept, whatever its payload is.
func TestAuthenticatedAnswersAreKept(t *testing.T) {
	a := withBots(t, configured(t, nil, nil), map[string]string{"faq": faq}, nil)
	long := strings.Repeat("x", envelope.MaxTextBytes)
	media := strings.Repeat(medium0+",", 62) + medium0
	tests := []struct {
		name, payload string
		kind          envelope.Kind
		parts         int
		omitted       string
	}{
		{"null", `null`, envelope.KindUnparsed, 0, ""},
		{"number", `1`, envelope.KindUnparsed, 0, ""},
		{"text of a different type", `{"botSay":["Hi"]}`, envelope.KindUnparsed, 0, ""},
		{"sender of a different type", `{"botSay":"Hi","sender":"bot"}`, envelope.KindUnparsed, 0, ""},
		{"suggestions of a different type", `{"botSay":"Hi","suggestions":[{"title":"Yes"}]}`, envelope.KindUnparsed, 0, ""},
		{"media with null", `{"botSay":"Hi","media":[null]}`, envelope.KindUnparsed, 0, ""},
		{"too many media", `{"botSay":"Hi","media":[` + media + `]}`, envelope.KindUnparsed, 0, ""},
		{"a medium with a caption that is too long", `{"media":[{"type":"image","url":"x","text":"` + long + `x"}]}`,
			envelope.KindUnparsed, 0, ""},
		{"event of a different type", `{"botSay":"Hi","event":"typing"}`, envelope.KindUnparsed, 0, ""},
		{"event without a type", `{"event":{}}`, envelope.KindUnparsed, 0, ""},
		{"suggestions that are empty", `{"suggestions":["",""]}`, envelope.KindUnparsed, 0, ""},
		{"unknown members", `{"botSay":"Hi","mood":"good"}`, envelope.KindMessage, 1, ""},
		{"nulls", `{"botSay":"Hi","media":null,"suggestions":null,"sender":null,"event":null,"userData":null}`, envelope.KindMessage, 1, ""},
		{"text for one part", `{"botSay":"` + long + `"}`, envelope.KindMessage, 1, ""},
		{"text for two parts", `{"botSay":"` + long + `x"}`, envelope.KindMessage, 2, ""},
		{"text with a character at the limit", `{"botSay":"` + long[1:] + `字"}`, envelope.KindMessage, 2, ""},
		{"long name", `{"botSay":"Hi","sender":{"name":"` + long[:300] + `"}}`, envelope.KindMessage, 1, "payload.sender.name"},
		{"large custom payload", `{"botSay":"Hi","userData":{"customPayload":{"x":"` + long[:5000] + `"}}}`, envelope.KindMessage, 1,
			"payload.userData.customPayload"},
		{"large target agents", `{"botSay":"Hi","userData":{"targetAgents":["` + long[:5000] + `"]}}`, envelope.KindMessage, 1,
			"payload.userData.targetAgents"},
		{"large reason", `{"event":{"type":"closed","reason":"` + long[:5000] + `"}}`, envelope.KindDisconnected, 0, "payload.event"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := `{"userId":"` + testUser + `","messageId":"m1","payload":` + tt.payload + `}`
			got, err := a.Receive(t.Context(), answer(t, "faq", body))
			if err != nil || len(got.Envelopes) != 1 {
				t.Fatalf("got %+v, %v; want one envelope", got, err)
			}
			e := got.Envelopes[0]
			if err := e.Validate(); err != nil {
				t.Errorf("invalid envelope: %v", err)
			}
			if e.Kind != tt.kind || len(e.Parts) != tt.parts {
				t.Errorf("kind %s with %d parts, want %s with %d", e.Kind, len(e.Parts), tt.kind, tt.parts)
			}
			if e.Kind == envelope.KindUnparsed && (len(e.Raw) == 0 || e.Attributes[attrUnparsed] == "") {
				t.Errorf("raw has %d bytes, attributes %v; want the reply and a reason", len(e.Raw), e.Attributes)
			}
			if got := e.Attributes[attrOmitted]; got != tt.omitted {
				t.Errorf("omitted %q, want %q", got, tt.omitted)
			}
		})
	}
}

func TestAnswerID(t *testing.T) {
	a := withBots(t, configured(t, nil, nil), map[string]string{"faq": faq, "relay": relay}, nil)
	body := func(members string) string { return `{"userId":"u",` + members + `"payload":{"botSay":"Hi"}}` }
	tests := []struct {
		name, channel, body string
		header              http.Header
		id                  string
		hops                int
	}{
		{name: "none", channel: "faq", body: body("")},
		{name: "messageId", channel: "faq", body: body(`"messageId":"m1",`), id: "m1"},
		{name: "messageId before the key", channel: "faq", body: body(`"messageId":"m1",`),
			header: http.Header{"Idempotency-Key": {"k"}}, id: "m1"},
		{name: "key", channel: "faq", body: body(""), header: http.Header{"Idempotency-Key": {"k"}}, id: "k"},
		{name: "two keys", channel: "faq", body: body(""), header: http.Header{"Idempotency-Key": {"k", "l"}}},
		{name: "signed id before the key", channel: "relay", body: body(""), header: http.Header{"Idempotency-Key": {"k"}}, id: testKey},
		{name: "messageId null", channel: "faq", body: body(`"messageId":null,`)},
		{name: "messageId a list", channel: "faq", body: body(`"messageId":["m1"],`)},
		{name: "messageId too long", channel: "faq", body: body(`"messageId":"` + strings.Repeat("x", 257) + `",`),
			id: envelope.ShortID(strings.Repeat("x", 257))},
		{name: "vendor's id of a proxy", channel: "faq", body: body(`"messageId":"m1","vendorMessageId":"v1",`), id: "m1"},
		{name: "vendor's id of a Patchbay", channel: "relay", body: body(`"messageId":"m1","vendorMessageId":"v1",`), id: "m1 v1"},
		{name: "vendor's id that does not fit", channel: "relay",
			body: body(`"messageId":"m1","vendorMessageId":"` + strings.Repeat("v", 254) + `",`), id: "m1"},
		{name: "hops", channel: "faq", body: body(""), header: http.Header{"Patchbay-Hops": {"3"}}, hops: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := answer(t, tt.channel, tt.body)
			for name, values := range tt.header {
				req.Header[name] = values
			}
			got, err := a.Receive(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			e := got.Envelopes[0]
			if e.VendorID != tt.id || e.Hops != tt.hops || e.Channel != tt.channel || e.Thread != "u" {
				t.Errorf("id %q, hops %d, channel %s, thread %s; want %q, %d", e.VendorID, e.Hops, e.Channel, e.Thread, tt.id, tt.hops)
			}
		})
	}
}

// An invalid time is ignored.
func TestSentAtOfAnswers(t *testing.T) {
	at := time.Date(2026, 11, 22, 6, 0, 0, 123e6, time.UTC)
	for given, want := range map[string]time.Time{
		`"2026-11-22T06:00:00.123Z"`: at, `"2026-11-22T14:00:00.123+08:00"`: at, `"2026-11-22T06:00:00Z"`: at.Truncate(time.Second),
		`"yesterday"`: {}, `1795334400`: {}, `null`: {}, `"0001-01-01T00:00:00Z"`: {}, `"2026-13-22T06:00:00Z"`: {},
	} {
		if got := parseSentAt([]byte(given)); !got.Equal(want) {
			t.Errorf("parseSentAt(%s) = %v, want %v", given, got, want)
		}
	}
}

// Answers signed with the current or the previous secret are accepted within the window.
func TestSignedAnswersAreAcceptedWithinTheWindow(t *testing.T) {
	a := withBots(t, configured(t, nil, nil), map[string]string{"relay": strings.Replace(relay, `{`, `{"answer_window":"1m",`, 1)}, nil)
	for _, tt := range []struct {
		name, secrets string
		age           time.Duration
		ok            bool
	}{
		{"new", testSecret, 0, true},
		{"previous", previousSecret, 0, true},
		{"both", previousSecret + " " + testSecret, 0, true},
		{"as old as the window", testSecret, time.Minute, true},
		{"older", testSecret, time.Minute + time.Second, false},
		{"ahead of the clock", testSecret, -time.Minute, true},
		{"too far ahead", testSecret, -time.Minute - time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := answer(t, "relay", accepted)
			sign(t, req, "id", testNow.Add(-tt.age), tt.secrets)
			if _, err := a.Receive(t.Context(), req); (err == nil) != tt.ok {
				t.Errorf("error %v, accepted should be %v", err, tt.ok)
			}
		})
	}
}

func TestAnswerBeforeConfigureIsTransient(t *testing.T) {
	_, err := newAdapter().Receive(t.Context(), answer(t, "faq", accepted))
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Kind != sdk.KindTransient || e.Status != 503 {
		t.Errorf("got %v, want a transient refusal with 503", err)
	}
}

// The channel's name is escaped in the path.
func TestAnswerPathIsUnescaped(t *testing.T) {
	a := withBots(t, configured(t, nil, nil), map[string]string{"the/bot 1": faq}, nil)
	req := answer(t, "the%2Fbot%201", accepted)
	req.Channels = []string{"the/bot 1"}
	got, err := a.Receive(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("the/bot 1", got.Envelopes[0].Channel); diff != "" {
		t.Error(diff)
	}
}
