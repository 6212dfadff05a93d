package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// deskAdapter returns an adapter with two channels that share a push key.
func deskAdapter(t testing.TB) *adapter {
	t.Helper()
	return testAdapter(t, testChannel(t, "desk", nil),
		testChannel(t, "desk-two", map[string]any{"channel_id": otherChannel}))
}

// signedRequest returns a signed push.
func signedRequest(body []byte) *sdk.Request {
	s, req := vectorSigner(), vectorRequest()
	s.body = string(body)
	req.Channels = []string{"desk", "desk-two"}
	req.Body = body
	req.Header.Set("Authorization", s.header())
	return req
}

// An event can contain the code of the message that it refers to. It must not count as a duplicate of the message.
func TestEventIsNoDuplicateOfItsMessage(t *testing.T) {
	push := `{"messages":[` + item(`"messageCode":"c-1"`) + `,` +
		item(`"messageCode":"c-1","controlType":"READ","content":"c-1"`) + `,` +
		item(`"messageCode":"c-1","controlType":"WITHDRAW"`) + `]}`
	r, err := deskAdapter(t).Receive(t.Context(), signedRequest([]byte(push)))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	ids := map[string]bool{}
	for _, e := range r.Envelopes {
		kinds = append(kinds, string(e.Kind))
		ids[e.VendorID] = true
	}
	if d := cmp.Diff([]string{"message", "read", "unparsed"}, kinds); d != "" || len(ids) != 3 || !ids["c-1"] {
		t.Errorf("kinds %v, ids %v", kinds, ids)
	}
}

// item returns a message with changes. If a key is repeated, the last value counts.
func item(changes string) string {
	s := `{"from":"` + testChannelID + `","to":"44444444","channel":"WEB","controlType":"CHAT","mediaType":"TEXT",` +
		`"content":"Hello","sourceType":"AGENT","timestamp":1625898453913`
	if changes != "" {
		s += "," + changes
	}
	return s + "}"
}

// A malformed message becomes unparsed with the problem want, and keeps its bytes. The other messages of the push do
// not change.
func TestMalformedMessages(t *testing.T) {
	tests := []struct{ name, item, want string }{
		{"null", `null`, "from: is the channel_id of no channel"},
		{"number", `5`, "message: has the wrong type"},
		{"string", `"x"`, "message: has the wrong type"},
		{"array", `[]`, "message: has the wrong type"},
		{"empty object", `{}`, "from:"},
		{"from missing", item(`"from":""`), "from:"},
		{"from unknown", item(`"from":"1"`), "from:"},
		{"from another number", item(`"from":202105284494222655`), "from: is the channel_id of no channel"},
		{"from a list", item(`"from":["202105284494222653"]`), "from: has the wrong type"},
		{"to missing", item(`"to":null,"to":""`), "to: is missing"},
		{"to an object", item(`"to":{"id":7}`), "to: has the wrong type"},
		{"to true, with numbers", item(`"from":202105284494222653,"to":true`), "to: has the wrong type"},
		{"to too long", item(`"to":"` + strings.Repeat("x", 600) + `"`), "thread: 600 bytes"},
		{"controlType missing", item(`"controlType":""`), `controlType: has the unknown value ""`},
		{"controlType unknown", item(`"controlType":"WITHDRAW"`), `controlType: has the unknown value "WITHDRAW"`},
		{"controlType in lower case", item(`"controlType":"chat"`), "controlType: has the unknown"},
		{"controlType a list", item(`"controlType":["CHAT"]`), "controlType: has the wrong type"},
		{"mediaType unknown", item(`"mediaType":"SMELL"`), `mediaType: has the unknown value "SMELL"`},
		{"mediaType very long", item(`"mediaType":"` + strings.Repeat("y", 300) + `"`), `mediaType: has the unknown value "yyy`},
		{"sourceType missing", item(`"sourceType":""`), "sourceType: has the unknown"},
		{"sourceType in lower case", item(`"sourceType":"agent"`), `sourceType: has the unknown value "agent"`},
		{"sourceType of a disconnect", item(`"controlType":"DISCONNECT","sourceType":"X"`), "sourceType: has the unknown"},
		{"text null", item(`"content":null`), "content: is empty"},
		{"text empty", item(`"content":""`), "content: is empty"},
		{"text an object", item(`"content":{"a":1}`), "content: is not text"},
		{"text a list", item(`"content":["a"]`), "content: is not text"},
		{"text true", item(`"content":true`), "content: is not text"},
		{"image without an id", item(`"mediaType":"IMAGE","content":null`), "has no resource id"},
		{"location as text", item(`"mediaType":"LOCATE","content":"here"`), "not latitude/longitude"},
		{"location empty", item(`"mediaType":"LOCATE","content":null`), "not latitude/longitude"},
		{"latitude not a number", item(`"mediaType":"LOCATE","content":"NaN/1/x"`), "number of degrees"},
		{"latitude out of range", item(`"mediaType":"LOCATE","content":"91/1/x"`), "number of degrees"},
		{"longitude out of range", item(`"mediaType":"LOCATE","content":"1/-181/x"`), "number of degrees"},
		{"longitude infinite", item(`"mediaType":"LOCATE","content":"1/Inf/x"`), "number of degrees"},
		{"file with too few fields", item(`"mediaType":"FILE","content":"a.txt,1,KEY"`), "not fileName,fileSize"},
		{"file without a size", item(`"mediaType":"FILE","content":"a.txt,many,KEY,txt"`), "not fileName,fileSize"},
		{"file of a negative size", item(`"mediaType":"FILE","content":"a.txt,-1,KEY,txt"`), "not fileName,fileSize"},
		{"file without an id", item(`"mediaType":"FILE","content":"a.txt,1, ,txt"`), "not fileName,fileSize"},
		{"typed image without a type", item(`"mediaType":"FILE_IMAGE","content":"KEY"`), "not objectKey,extension"},
		{"typed video without a key", item(`"mediaType":"FILE_VIDEO","content":" ,mp4"`), "not objectKey,extension"},
		{"card as text", item(`"mediaType":"WEBCARD","content":"Terms"`), "not the JSON object of a card"},
		{"card null", item(`"mediaType":"WEBCARD","content":null`), "not the JSON object of a card"},
		{"card a list", item(`"mediaType":"WEBCARD","content":[]`), "not the JSON object of a card"},
		{"card without a link", item(`"mediaType":"WEBCARD","content":{"title":"x"}`), "neither redirectUrl nor mediaFileId"},
		{"card with a script", item(`"mediaType":"WEBCARD","content":{"redirectUrl":"javascript:alert(1)"}`), "not an http or https URL"},
		{"timestamp as text", item(`"timestamp":"yesterday"`), "timestamp: is not a time"},
		{"timestamp true", item(`"timestamp":true`), "timestamp: is not a number"},
		{"timestamp negative", item(`"timestamp":-1`), "timestamp: is out of range"},
		{"timestamp after the year 9999", item(`"timestamp":253402300800000`), "timestamp: is out of range"},
		{"timestamp beyond 64 bits", item(`"timestamp":99999999999999999999`), "timestamp: is not a time"},
		{"timestamp not finite", item(`"timestamp":"NaN"`), "timestamp: is not a time"},
		{"isOfflineStatus as text", item(`"isOfflineStatus":"maybe"`), "isOfflineStatus:"},
		{"isOfflineStatus 2", item(`"isOfflineStatus":2`), "isOfflineStatus:"},
		{"isOfflineStatus a list", item(`"isOfflineStatus":[true]`), "isOfflineStatus:"},
		{"read nothing", item(`"controlType":"READ","content":null`), "lists no message ids"},
		{"read spaces", item(`"controlType":"READ","content":" , ,"`), "lists no message ids"},
		{"read an empty list", item(`"controlType":"READ","content":[]`), "lists no message ids"},
		{"read an object", item(`"controlType":"READ","content":{}`), "neither a comma-separated list"},
		{"read objects", item(`"controlType":"READ","content":[{"id":"x"}]`), "lists no message ids"},
		{"read truncated list", item(`"controlType":"READ","content":"[\"a\""`), "neither a comma-separated list"},
		{"content of an event an object", item(`"controlType":"CONNECT","content":{}`), "content: is not text"},
		{"messageCode a list", item(`"messageCode":[5]`), "messageCode: has the wrong type"},
	}
	a := deskAdapter(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			push := `{"messages":[` + item(`"messageCode":"a"`) + `,` + tt.item + `,` + item(`"messageCode":"b"`) + `]}`
			r, err := a.Receive(t.Context(), signedRequest([]byte(push)))
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Envelopes) != 3 || r.Envelopes[0].VendorID != "a" || r.Envelopes[2].VendorID != "b" {
				t.Fatalf("the other messages changed: %+v", r.Envelopes)
			}
			e := r.Envelopes[1]
			if e.Kind != envelope.KindUnparsed || !strings.Contains(e.Attributes["problem"], tt.want) {
				t.Errorf("kind %s, problem %q; want unparsed, %q", e.Kind, e.Attributes["problem"], tt.want)
			}
			if string(e.Raw) != tt.item || e.Channel != "desk" || e.Thread == "" || e.VendorID == "" {
				t.Errorf("envelope = %+v", e)
			}
			if err := e.Validate(); err != nil {
				t.Errorf("invalid envelope: %v", err)
			}
		})
	}
}

func TestMalformedPushes(t *testing.T) {
	tests := []struct {
		name, body, field string
		status            int // 0 means 400
	}{
		{"nothing", ``, "body", 0},
		{"blank", `  `, "body", 0},
		{"text", `hello`, "body", 0},
		{"half", `{"messages":[`, "body", 0},
		{"the page's example with comments", `{"messages":[//1connected{` + "\n" + `]}`, "body", 0},
		{"comma at the end", `{"messages":[],}`, "body", 0},
		{"two objects", `{"messages":[]}{}`, "body", 0},
		{"array", `[]`, "body", 0},
		{"string", `"messages"`, "body", 0},
		{"null", `null`, "messages", 0},
		{"no messages", `{"timestamp":1625898453913}`, "messages", 0},
		{"messages null", `{"messages":null}`, "messages", 0},
		{"messages an object", `{"messages":{}}`, "messages", 0},
		{"messages a string", `{"messages":"[]"}`, "messages", 0},
		{"nested too deep", `{"messages":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "body", 0},
		{"too many", `{"messages":[` + strings.Repeat("{},", maxMessages) + `{}]}`, "messages", 413},
		{"too large", `{"messages":["` + strings.Repeat("x", maxPush) + `"]}`, "body", 413},
	}
	a := deskAdapter(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := a.Receive(t.Context(), signedRequest([]byte(tt.body)))
			e := asTyped(err)
			if err == nil || e.Kind != sdk.KindInvalid || e.Field != tt.field || e.Status != tt.status {
				t.Fatalf("Receive: %v (field %q, status %d); want invalid %s, %d", err, e.Field, e.Status, tt.field, tt.status)
			}
		})
	}
}

// The timestamp of a push and unknown fields are ignored.
func TestUnusedFieldsAreIgnored(t *testing.T) {
	for _, body := range []string{
		`{"messages":[]}`, `{"messages":[],"timestamp":"x"}`, `{"messages":[],"timestamp":null,"more":{"a":[1]}}`,
	} {
		if _, err := deskAdapter(t).Receive(t.Context(), signedRequest([]byte(body))); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestLongFieldsAreCut(t *testing.T) {
	long := strings.Repeat("工", envelope.MaxTextBytes/3+10)
	push := `{"messages":[` + item(`"content":"`+long+`"`) + `,` + item(`"controlType":"X","content":"`+long+`"`) + `,` +
		item(`"senderNickname":"`+long+`"`) + `,` + item(`"callId":"`+long+`"`) + `]}`
	r, err := deskAdapter(t).Receive(t.Context(), signedRequest([]byte(push)))
	if err != nil {
		t.Fatal(err)
	}
	text := r.Envelopes[0]
	if len(text.Parts) != 2 || text.Parts[0].Text+text.Parts[1].Text != long {
		t.Errorf("%d parts, or lost text", len(text.Parts))
	}
	bad := r.Envelopes[1]
	if len(bad.Raw) != envelope.MaxRawBytes || bad.Attributes["raw_bytes"] == "" {
		t.Errorf("%d raw bytes, attributes %v", len(bad.Raw), bad.Attributes)
	}
	for i, e := range r.Envelopes {
		if err := e.Validate(); err != nil {
			t.Errorf("envelope %d: %v", i, err)
		}
	}
	if n := len(r.Envelopes[2].Sender.Name); n < 250 || n > envelope.MaxIDBytes {
		t.Errorf("name of %d bytes", n)
	}
}

// The meaning of a time-out with offline messages and of messages of the robot depends on the settings.
func TestSettingsDecideTheMeaningOfEvents(t *testing.T) {
	offline := item(`"controlType":"DISCONNECT","sourceType":"SYSTEM","isOfflineStatus":true,"content":"Leave a message."`)
	tests := []struct {
		name    string
		changes map[string]any
		item    string
		kind    envelope.Kind
		role    envelope.Role
		attrs   map[string]string
		text    string
	}{
		{"time-out, offline messages accepted", map[string]any{"offline_messages": true}, offline,
			envelope.KindMessage, envelope.RoleSystem, map[string]string{"offline": "true"}, "Leave a message."},
		{"time-out, offline messages not accepted", nil, offline, envelope.KindDisconnected, envelope.RoleSystem,
			map[string]string{"offline": "true", "reason": "timeout_offline"}, "Leave a message."},
		{"time-out that ends the chat", map[string]any{"offline_messages": true},
			item(`"controlType":"DISCONNECT","sourceType":"SYSTEM","isOfflineStatus":false,"content":null`),
			envelope.KindDisconnected, envelope.RoleSystem, map[string]string{"offline": "false", "reason": "timeout"}, ""},
		{"an agent hangs up", map[string]any{"offline_messages": true},
			item(`"controlType":"DISCONNECT","isOfflineStatus":true,"content":null`),
			envelope.KindDisconnected, envelope.RoleAgent, map[string]string{"offline": "true", "reason": "agent_closed"}, ""},
		{"time-out without a tip", map[string]any{"offline_messages": true},
			item(`"controlType":"DISCONNECT","sourceType":"SYSTEM","isOfflineStatus":true,"content":null`),
			envelope.KindUnparsed, envelope.RoleSystem, map[string]string{"problem": "content: is empty"}, ""},
		{"the robot connects on the way to an agent", map[string]any{"transfer": true},
			item(`"controlType":"CONNECT","sourceType":"ROBOT"`), envelope.KindUnparsed, envelope.RoleBot,
			map[string]string{"problem": "sourceType: is AICC's robot, which does not accept for an agent while transfer is set"}, ""},
		{"the robot connects", nil, item(`"controlType":"CONNECT","sourceType":"ROBOT"`),
			envelope.KindConnected, envelope.RoleBot, map[string]string{}, "Hello"},
		{"an agent connects after a transfer", map[string]any{"transfer": true}, item(`"controlType":"CONNECT"`),
			envelope.KindConnected, envelope.RoleAgent, map[string]string{}, "Hello"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := testAdapter(t, testChannel(t, "desk", tt.changes))
			req := signedRequest([]byte(`{"messages":[` + tt.item + `]}`))
			req.Channels = []string{"desk"}
			r, err := a.Receive(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			e := r.Envelopes[0]
			if e.Kind != tt.kind || e.Sender.Role != tt.role || e.Text() != tt.text {
				t.Errorf("%s by %s: %q; want %s by %s: %q", e.Kind, e.Sender.Role, e.Text(), tt.kind, tt.role, tt.text)
			}
			if d := cmp.Diff(tt.attrs, e.Attributes); d != "" {
				t.Errorf("attributes (-want +got):\n%s", d)
			}
		})
	}
}

// FuzzReceive checks that each accepted body leads to valid envelopes, at least one for each message, and to the same
// envelopes when it is repeated.
func FuzzReceive(f *testing.F) {
	for _, b := range golden.Inputs(f, "testdata/in/*.json") {
		f.Add(b)
	}
	a := testAdapter(f, testChannel(f, "desk", bearerConfig))
	f.Fuzz(func(t *testing.T, body []byte) {
		req := vectorRequest()
		req.Header = http.Header{"Authorization": {"Bearer shared-token"}}
		req.Body = body
		r, err := a.Receive(t.Context(), req)
		if err != nil {
			if sdk.KindOf(err) != sdk.KindInvalid {
				t.Fatalf("refused as %v", err)
			}
			return
		}
		var p struct{ Messages []json.RawMessage }
		if err := json.Unmarshal(body, &p); err != nil || len(r.Envelopes) < len(p.Messages) {
			t.Fatalf("%d messages gave %d envelopes (%v)", len(p.Messages), len(r.Envelopes), err)
		}
		for _, e := range r.Envelopes {
			if err := e.Validate(); err != nil {
				t.Errorf("invalid envelope: %v", err)
			}
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("encode: %v", err)
			}
		}
		again, err := a.Receive(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r.Envelopes, again.Envelopes); d != "" {
			t.Errorf("different envelopes the second time:\n%s", d)
		}
	})
}

// A content that describes a file may omit fields.
func TestDescribedFiles(t *testing.T) {
	for _, tt := range []struct {
		media, content string
		want           envelope.Part
	}{
		{"FILE", "a,b.txt,0,KEY,", envelope.Part{Type: envelope.PartFile, Ref: "KEY", Name: "a,b.txt"}},
		{"FILE", " , 7 , KEY ,.CSV", envelope.Part{Type: envelope.PartFile, Ref: "KEY", Name: " ", Size: 7, ContentType: "text/csv",
			Attributes: map[string]string{attrFileType: "csv"}}},
		{"FILE_IMAGE", "KEY,no such type", envelope.Part{Type: envelope.PartImage, Ref: "KEY"}},
		{"FILE_VIDEO", "2021,KEY,webm", envelope.Part{Type: envelope.PartVideo, Ref: "2021,KEY",
			Attributes: map[string]string{attrFileType: "webm"}}},
	} {
		push := fmt.Sprintf(`{"messages":[%s]}`, item(fmt.Sprintf(`"mediaType":%q,"content":%q`, tt.media, tt.content)))
		r, err := deskAdapter(t).Receive(t.Context(), signedRequest([]byte(push)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]envelope.Part{tt.want}, r.Envelopes[0].Parts); d != "" {
			t.Errorf("%s %q (-want +got):\n%s", tt.media, tt.content, d)
		}
	}
}

// Raw of an unparsed message is limited to 64 KiB. raw_bytes is the original size.
func TestRawIsLimited(t *testing.T) {
	a := deskAdapter(t)
	head, tail := `{"from":"unknown","to":"u","content":"`, `"}`
	for size, want := range map[int]string{65536: "", 65537: "65537"} {
		raw := head + strings.Repeat("x", size-len(head)-len(tail)) + tail
		r, err := a.Receive(t.Context(), signedRequest([]byte(`{"messages":[`+raw+`]}`)))
		if err != nil {
			t.Fatal(err)
		}
		if e := r.Envelopes[0]; len(e.Raw) != 65536 || e.Attributes["raw_bytes"] != want {
			t.Errorf("%d bytes: %d in Raw, raw_bytes %q; want %q", size, len(e.Raw), e.Attributes["raw_bytes"], want)
		}
	}
}

// A text is accepted if AICC has cut it between the halves of a surrogate pair, also in a poll and inside a string.
func TestLoneSurrogatesAreReplaced(t *testing.T) {
	for name, changes := range map[string]string{
		"text": `"content":"cut \ud83d"`, "nickname": `"senderNickname":"cut \ud83d"`,
		"card":       `"mediaType":"WEBCARD","content":"{\"title\":\"cut \\ud83d\",\"redirectUrl\":\"https://x.example\"}"`,
		"suggestion": `"simQuestions":["cut \ud83d"]`,
	} {
		r, err := deskAdapter(t).Receive(t.Context(), signedRequest([]byte(`{"messages":[`+item(changes)+`]}`)))
		if err != nil {
			t.Fatal(err)
		}
		e := golden.Valid(t, r.Envelopes)[0]
		if e.Kind != envelope.KindMessage || !strings.Contains(fmt.Sprint(e.Parts, e.Sender), "cut \ufffd") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
