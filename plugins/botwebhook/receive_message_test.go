package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	goodV1 = `{"message_id":"m1","message_type":"ANSWER","text":"Hi","flow_output":[{"content":"Ho","branch":"1",` +
		`"from_component_name":"LLM"}],"create_time":1679587005,"conversation_id":"c1"}`
	goodV2 = `{"message_id":"m1","output":[{"from_component_branch":"1","from_component_name":"LLM","content":{"text":"Hi",` +
		`"audio":[{"audio":"https://cdn.example/a.mp3","transcript":"Ho"}]}}],"create_time":1679587005,"conversation_id":"c1"}`
)

// with returns a call in which replacement replaces old.
func with(good, old, replacement string) string {
	if !strings.Contains(good, old) {
		panic("no " + old + " in the call")
	}
	return strings.Replace(good, old, replacement, 1)
}

// v1 and v2 return accepted calls in which replacement replaces old.
func v1(old, replacement string) string { return with(goodV1, old, replacement) }
func v2(old, replacement string) string { return with(goodV2, old, replacement) }

func TestInvalidMessagesAreRefused(t *testing.T) {
	a := configured(t, botJSON("https://api-sg.gptbots.ai"), nil)
	for _, good := range []string{goodV1, goodV2} {
		if _, err := a.Receive(t.Context(), request(good)); err != nil {
			t.Fatalf("the unchanged call is refused: %v", err)
		}
	}
	long := strings.Repeat("x", 64<<10+1)
	items := strings.TrimSuffix(strings.Repeat(`{"content":"x"},`, 64), ",")
	tests := []struct{ name, body, field string }{
		{"empty body", ``, "body"},
		{"istest twice", `{"istest":true,"istest":false}`, "istest"},
		{"null", `null`, "message_id"},
		{"empty object", `{}`, "message_id"},
		{"istest not true", `{"istest":1}`, "message_id"},

		{"message_id missing", v1(`"message_id":"m1",`, ``), "message_id"},
		{"message_id empty", v1(`"m1"`, `""`), "message_id"},
		{"message_id null", v1(`"m1"`, `null`), "message_id"},
		{"message_id a list", v1(`"m1"`, `["m1"]`), "message_id"},
		{"message_id too long", v1(`m1`, long[:257]), "message_id"},
		{"message_id with a newline", v1(`m1`, `m\n1`), "message_id"},
		{"message_type missing", v1(`"message_type":"ANSWER",`, ``), "message_type"},
		{"message_type null", v1(`"ANSWER"`, `null`), "message_type"},
		{"message_type a list", v1(`"ANSWER"`, `["ANSWER"]`), "message_type"},
		{"conversation_id missing", v1(`,"conversation_id":"c1"`, ``), "conversation_id"},
		{"conversation_id empty", v1(`"c1"`, `""`), "conversation_id"},
		{"conversation_id true", v1(`"c1"`, `true`), "conversation_id"},
		{"conversation_id too long", v1(`c1`, long[:257]), "conversation_id"},
		{"create_time missing", v1(`"create_time":1679587005,`, ``), "create_time"},
		{"create_time null", v1(`1679587005`, `null`), "create_time"},
		{"create_time a text", v1(`1679587005`, `"yesterday"`), "create_time"},
		{"create_time an object", v1(`1679587005`, `{}`), "create_time"},
		{"create_time not a number", v1(`1679587005`, `"NaN"`), "create_time"},
		{"create_time zero", v1(`1679587005`, `0`), "create_time"},
		{"create_time negative", v1(`1679587005`, `-1679587005`), "create_time"},
		{"create_time in microseconds", v1(`1679587005`, `1679587005000000`), "create_time"},
		{"create_time beyond a long", v1(`1679587005`, `99999999999999999999`), "create_time"},
		{"text a list", v1(`"Hi"`, `["Hi"]`), "text"},
		{"text too long", v1(`Hi`, long), "text"},
		{"flow_output an object", v1(`[{"content":"Ho","branch":"1","from_component_name":"LLM"}]`, `{}`), "flow_output"},
		{"flow_output item a string", v1(`[{"content":"Ho","branch":"1","from_component_name":"LLM"}]`, `["Ho"]`),
			"flow_output.0"},
		{"content a number", v1(`"Ho"`, `7`), "flow_output.0.content"},
		{"content too long", v1(`Ho`, long), "flow_output.0.content"},
		{"branch a number", v1(`"branch":"1"`, `"branch":1`), "flow_output.0.branch"},
		{"branch too long", v1(`"branch":"1"`, `"branch":"`+long[:1025]+`"`), "flow_output.0.branch"},
		{"component too long", v1(`LLM`, long[:1025]), "flow_output.0.from_component_name"},
		{"too many items", v1(`[{"content":"Ho","branch":"1","from_component_name":"LLM"}]`, `[`+items+`]`), "flow_output"},

		{"v2 message_id missing", v2(`"message_id":"m1",`, ``), "message_id"},
		{"v2 conversation_id missing", v2(`,"conversation_id":"c1"`, ``), "conversation_id"},
		{"v2 create_time missing", v2(`"create_time":1679587005,`, ``), "create_time"},
		{"v2 output an object", with(`{"message_id":"m1","output":{},"create_time":1,"conversation_id":"c1"}`, "", ""), "output"},
		{"v2 content a string", v2(`{"text":"Hi",`, `"Hi","x":{`), "output.0.content"},
		{"v2 text a number", v2(`"Hi"`, `7`), "output.0.content.text"},
		{"v2 text too long", v2(`Hi`, long), "output.0.content.text"},
		{"v2 branch too long", v2(`"from_component_branch":"1"`, `"from_component_branch":"`+long[:1025]+`"`),
			"output.0.from_component_branch"},
		{"v2 audio a string", v2(`[{"audio":"https://cdn.example/a.mp3","transcript":"Ho"}]`, `"x"`), "output.0.content.audio"},
		{"v2 transcript too long", v2(`"Ho"`, `"`+long+`"`), "output.0.content.audio.0.transcript"},
		{"v2 too many outputs", v2(`"output":[`, `"output":[`+strings.Repeat(`{"content":{"text":"x"}},`, 63)), "output"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.Receive(t.Context(), request(tt.body))
			checkRefusal(t, got, err, sdk.KindInvalid, tt.field)
		})
	}
}

// checkRefusal checks the kind and the field of a refusal. The gateway writes the body of refusals.
func checkRefusal(t *testing.T, got *sdk.Reception, err error, kind sdk.ErrorKind, field string) {
	t.Helper()
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok || got != nil {
		t.Fatalf("got %+v, error %v; want a refusal", got, err)
	}
	if e.Kind != kind || e.Field != field || e.Body != nil {
		t.Errorf("refused as %s %q, body %s; want %s %q", e.Kind, e.Field, e.Body, kind, field)
	}
	if strings.Contains(e.Error(), testToken) {
		t.Errorf("the refusal contains the token: %v", e)
	}
}

func TestMessagesWithinTheLimits(t *testing.T) {
	a := configured(t, botJSON("https://api-sg.gptbots.ai"), nil)
	long := strings.Repeat("字", 20<<10)
	items := strings.TrimSuffix(strings.Repeat(`{"content":"x"},`, 63), ",")
	tests := []struct {
		name, body string
		parts      int
	}{
		{"long text", v1("Hi", long), 2},
		{"most items and a text", v1(`[{"content":"Ho","branch":"1","from_component_name":"LLM"}]`, `[`+items+`]`), 64},
		{"an item says the same as text", v1(`"Ho"`, `"Hi"`), 1},
		{"longest id", v1("m1", strings.Repeat("m", 256)), 2},
		{"v2 with a message_type", v2(`"output"`, `"message_type":"QUESTION","output"`), 2},
		{"v2 with most outputs", v2(`"output":[`, `"output":[`+strings.Repeat(`{"content":{"text":"x"}},`, 62)), 64},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.Receive(t.Context(), request(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			e := got.Envelopes[0]
			if len(e.Parts) != tt.parts {
				t.Errorf("%d parts, want %d", len(e.Parts), tt.parts)
			}
			if err := e.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// Times are in seconds up to a limit and in milliseconds above it.
func TestUnitOfTimes(t *testing.T) {
	for written, want := range map[string]string{
		"1":               "1970-01-01T00:00:01Z",
		"1679587005":      "2023-03-23T15:56:45Z",
		"1679587005123":   "2023-03-23T15:56:45.123Z",
		"100000000000":    "5138-11-16T09:46:40Z",
		"100000000001":    "1973-03-03T09:46:40.001Z",
		"253402300799999": "9999-12-31T23:59:59.999Z",
		"253402300800000": "", // beyond the year 9999

		`"1679587005"`:      "2023-03-23T15:56:45Z",
		`" 1679587005123 "`: "2023-03-23T15:56:45.123Z",
		"1679587005.5":      "2023-03-23T15:56:45.5Z",
		`"1679587005.123"`:  "2023-03-23T15:56:45.123Z",
		"1.679587005123E12": "2023-03-23T15:56:45.123Z",
		"1.679587005e9":     "2023-03-23T15:56:45Z",
		`"Infinity"`:        "",
	} {
		got, f := decodeTime(jsontext.Value(written), "create_time")
		if (f == nil) != (want != "") || f == nil && got.Format(time.RFC3339Nano) != want {
			t.Errorf("decodeTime(%s) = %v, %v; want %q", written, got, f, want)
		}
	}
}

// An id is the same as a number and as a string, so that a repeated call in the other form is recognized.
func TestIDsMayBeNumbers(t *testing.T) {
	a := configured(t, botJSON("https://api-sg.gptbots.ai"), nil)
	for _, form := range []string{`202105284494222653`, `"202105284494222653"`} {
		got, err := a.Receive(t.Context(), request(with(v1(`"m1"`, form), `"c1"`, form)))
		if err != nil {
			t.Fatal(err)
		}
		if e := got.Envelopes[0]; e.VendorID != "202105284494222653" || e.Thread != e.VendorID {
			t.Errorf("%s gives id %q, thread %q", form, e.VendorID, e.Thread)
		}
	}
	call := `{"conversation_id":17,"timestamp":"1732500000123","body":"Hi"}`
	got, err := handoffChannel(t, "https://api-sg.gptbots.ai", nil).Receive(t.Context(), handoffRequest(chatPath, call))
	if err != nil || got.Envelopes[0].Thread != "17" || got.Envelopes[0].SentAt.UnixMilli() != 1732500000123 {
		t.Errorf("hand-off: %+v, %v", got, err)
	}
}

// A text is accepted if GPTBots has cut it between the halves of a surrogate pair.
func TestLoneSurrogatesAreReplaced(t *testing.T) {
	a := configured(t, botJSON("https://api-sg.gptbots.ai"), nil)
	for name, body := range map[string]string{
		"v1 text": v1(`"Hi"`, `"\ud83d"`), "v1 flow": v1(`"Ho"`, `"\ud83d"`), "v1 branch": v1(`"branch":"1"`, `"branch":"\ud83d"`),
		"v2 text": v2(`"Hi"`, `"\ud83d"`), "v2 transcript": v2(`"Ho"`, `"\ud83d"`), "unknown member": v1(`{`, `{"x":"\ud83d",`),
	} {
		got, err := a.Receive(t.Context(), request(body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e := golden.Valid(t, got.Envelopes)[0]
		if e.Kind != envelope.KindMessage || name != "unknown member" && !strings.Contains(fmt.Sprint(e.Parts), "\ufffd") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestRawIsLimited(t *testing.T) {
	a := configured(t, botJSON("https://api-sg.gptbots.ai"), nil)
	body := v1(`"ANSWER"`, `"RESEARCH","x":"`+strings.Repeat("x", 100_000)+`"`)
	got, err := a.Receive(t.Context(), request(body))
	if err != nil {
		t.Fatal(err)
	}
	e := got.Envelopes[0]
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	if e.Kind != envelope.KindUnparsed || string(e.Raw) != body[:64<<10] ||
		e.Attributes[attrRawBytes] != strconv.Itoa(len(body)) {
		t.Errorf("kind %s, %d bytes kept, attributes %v", e.Kind, len(e.Raw), e.Attributes)
	}
}

func TestCallBeforeConfigureIsTransient(t *testing.T) {
	_, err := newAdapter().Receive(t.Context(), request(goodV1))
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Kind != sdk.KindTransient {
		t.Errorf("got %v, want a transient refusal", err)
	}
}
