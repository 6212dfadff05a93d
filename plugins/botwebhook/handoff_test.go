package main

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	goodEstablish = `{"conversation_id":"h1","timestamp":1732500000123,"email":"a@example.com","bot_id":"b1",` +
		`"body":[{"message_type":"QUESTION","text":"Hi"}],"user_info":{"user_id":"u1"}}`
	goodChat  = `{"conversation_id":"h1","timestamp":1732500000123,"body":"Hi"}`
	goodClose = `{"conversation_id":"h1","timestamp":1732500000123,"type":"TIMEOUT"}`
)

// handoffChannel returns an adapter with a channel of the role customer. Its name is faq.
func handoffChannel(t testing.TB, address string, client *http.Client) *adapter {
	t.Helper()
	return inRole(t, envelope.RoleCustomer, botJSON(address), client)
}

func TestInvalidHandoffCallsAreRefused(t *testing.T) {
	a := handoffChannel(t, "https://api-sg.gptbots.ai", nil)
	long := strings.Repeat("x", 257)
	for call, good := range map[string]string{establishPath: goodEstablish, chatPath: goodChat, closePath: goodClose} {
		if got, err := a.Receive(t.Context(), handoffRequest(call, good)); err != nil || len(got.Envelopes) != 1 {
			t.Fatalf("the unchanged call gives %+v, %v", got, err)
		}
		tests := []struct{ name, body, field string }{
			{"empty body", ``, "body"},
			{"null", `null`, "conversation_id"},
			{"istest not true", `{"istest":1}`, "conversation_id"},
			{"conversation_id missing", with(good, `"conversation_id":"h1",`, ``), "conversation_id"},
			{"conversation_id empty", with(good, `"h1"`, `""`), "conversation_id"},
			{"conversation_id a list", with(good, `"h1"`, `["h1"]`), "conversation_id"},
			{"conversation_id too long", with(good, `h1`, long), "conversation_id"},
			{"conversation_id with a newline", with(good, `h1`, `h\n1`), "conversation_id"},
		}
		for _, tt := range tests {
			t.Run(call+"/"+tt.name, func(t *testing.T) {
				got, err := a.Receive(t.Context(), handoffRequest(call, tt.body))
				checkRefusal(t, got, err, sdk.KindInvalid, tt.field)
			})
		}
	}
}

func TestUnknownHandoffPathsAreRefused(t *testing.T) {
	a := handoffChannel(t, "https://api-sg.gptbots.ai", nil)
	for _, path := range []string{"", "/", "/chat/", "/conversation", "/conversation/open", "/CHAT", "/%zz"} {
		_, err := a.Receive(t.Context(), handoffRequest(path, goodChat))
		checkStatus(t, path, err, http.StatusNotFound)
	}
	got, err := a.Receive(t.Context(), handoffRequest("/%63hat", goodChat))
	if err != nil || got.Envelopes[0].Kind != envelope.KindMessage {
		t.Errorf("an escaped path gives %+v, %v", got, err)
	}
}

func checkStatus(t *testing.T, name string, err error, status int) {
	t.Helper()
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Status != status {
		t.Errorf("%q: %v, want status %d", name, err, status)
	}
}

// A repeated call has the same vendor id. Other calls have different ids.
func TestHandoffCallsHaveStableIDs(t *testing.T) {
	a := handoffChannel(t, "https://api-sg.gptbots.ai", nil)
	id := func(call, body string) string {
		got, err := a.Receive(t.Context(), handoffRequest(call, body))
		if err != nil {
			t.Fatal(err)
		}
		return got.Envelopes[0].VendorID
	}
	first := id(chatPath, goodChat)
	if again := id(chatPath, goodChat); again != first {
		t.Errorf("the repeated call has the id %s, not %s", again, first)
	}
	seen := map[string]string{first: "chat"}
	for name, other := range map[string]string{
		"other call": id(establishPath, goodEstablish), "same body, other call": id(closePath, goodChat),
		"other hand-off": id(chatPath, with(goodChat, "h1", "h2")), "other time": id(chatPath, with(goodChat, "123,", "124,")),
		"other words": id(chatPath, with(goodChat, "Hi", "Ho")),
	} {
		if known, twice := seen[other]; twice {
			t.Errorf("%s has the id of %s", name, known)
		}
		seen[other] = name
	}
}

func TestLongTranscriptsAreCut(t *testing.T) {
	a := handoffChannel(t, "https://api-sg.gptbots.ai", nil)
	var items []string
	for i := range 70 {
		items = append(items, fmt.Sprintf(`{"message_type":"QUESTION","text":"no. %d"},{"message_type":"ANSWER","text":""}`, i))
	}
	long := strings.Repeat("字", envelope.MaxTextBytes/3+1)
	tests := []struct {
		name, body  string
		parts       int
		first, last string
		attributes  map[string]string
	}{
		{"the newest are kept", strings.Join(items, ","), 64, "no. 6", "no. 69", map[string]string{attrEarlier: "6"}},
		{"maximum", strings.Join(items[:64], ","), 64, "no. 0", "no. 63", map[string]string{attrEarlier: ""}},
		{"a text is cut between characters", `{"message_type":"ANSWER","text":"` + long + `"},{"text":"x"}`, 2,
			strings.Repeat("字", envelope.MaxTextBytes/3), "x", map[string]string{attrShortened: "1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := a.Receive(t.Context(),
				handoffRequest(establishPath, with(goodEstablish, `{"message_type":"QUESTION","text":"Hi"}`, tt.body)))
			if err != nil {
				t.Fatal(err)
			}
			e := golden.Valid(t, got.Envelopes)[0]
			if len(e.Parts) != tt.parts || e.Parts[0].Text != tt.first || e.Parts[len(e.Parts)-1].Text != tt.last {
				t.Errorf("%d parts, from %.20q to %.20q", len(e.Parts), e.Parts[0].Text, e.Parts[len(e.Parts)-1].Text)
			}
			for name, want := range tt.attributes {
				if e.Attributes[name] != want {
					t.Errorf("%s is %q, want %q", name, e.Attributes[name], want)
				}
			}
		})
	}
}

func TestLongHandoffFieldsAreCut(t *testing.T) {
	a := handoffChannel(t, "https://api-sg.gptbots.ai", nil)
	long := strings.Repeat("u", 5000)
	got, err := a.Receive(t.Context(), handoffRequest(establishPath, with(goodEstablish, "u1", long)))
	if err != nil {
		t.Fatal(err)
	}
	e := golden.Valid(t, got.Envelopes)[0]
	if e.Sender.ID != envelope.ShortID(long) || len(e.Attributes[attrUserID]) != maxCustomerBytes {
		t.Errorf("sender %q, attribute of %d bytes", e.Sender.ID, len(e.Attributes[attrUserID]))
	}
	long = strings.Repeat("字", 100_000)
	got, err = a.Receive(t.Context(), handoffRequest(chatPath, with(goodChat, "Hi", long)))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, p := range golden.Valid(t, got.Envelopes)[0].Parts {
		text += p.Text
	}
	if text != long {
		t.Errorf("%d of %d bytes arrived", len(text), len(long))
	}
}

func handoffDelivery(kind envelope.Kind) *sdk.Delivery {
	return &sdk.Delivery{Channel: "faq", Attempt: 1, Thread: "h1", Envelope: &envelope.Envelope{
		ID: "e1", Kind: kind, Sender: envelope.Sender{Role: envelope.RoleAgent}, Parts: []envelope.Part{envelope.TextPart("private words")}}}
}

// The cases are both calls with each documented code.
func TestErrorCodesOfTheHandoff(t *testing.T) {
	for code, meaning := range codes {
		for _, kind := range []envelope.Kind{envelope.KindMessage, envelope.KindClosed, envelope.KindDisconnected} {
			t.Run(strconv.Itoa(code)+"/"+string(kind), func(t *testing.T) {
				v := &vendor{status: 200, body: apiError(code)}
				got, err := handoffAt(t, v).Deliver(t.Context(), handoffDelivery(kind))
				if n := v.calls.Load(); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
				want := meaning.kind
				switch {
				case want == sdk.KindGone && kind == envelope.KindMessage:
					want = sdk.KindPermanent
				case want == sdk.KindGone: // closing an ended hand-off succeeds
					if err != nil || got.Degraded == "" {
						t.Errorf("got %+v, %v", got, err)
					}
					return
				}
				if err == nil || sdk.KindOf(err) != want {
					t.Fatalf("got %v, want kind %s", err, want)
				}
				checkNoSecrets(t, err)
			})
		}
	}
}

// handoffAt returns an adapter with a channel of the role customer that calls v.
func handoffAt(t *testing.T, v http.Handler) *adapter {
	t.Helper()
	address, client := served(t, v)
	return handoffChannel(t, address, client)
}

func TestInvalidHandoffDeliveriesMakeNoCall(t *testing.T) {
	v := &vendor{status: 200}
	a := handoffAt(t, v)
	for name, tt := range map[string]struct {
		change func(*sdk.Delivery)
		kind   sdk.ErrorKind
	}{
		"no thread":  {func(d *sdk.Delivery) { d.Thread = "" }, sdk.KindInvalid},
		"no parts":   {func(d *sdk.Delivery) { d.Envelope.Parts = nil }, sdk.KindInvalid},
		"typing":     {func(d *sdk.Delivery) { d.Envelope.Kind = envelope.KindTyping }, sdk.KindUnsupported},
		"a handover": {func(d *sdk.Delivery) { d.Envelope.Kind = envelope.KindPassed }, sdk.KindUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			d := handoffDelivery(envelope.KindMessage)
			tt.change(d)
			if _, err := a.Deliver(t.Context(), d); err == nil || sdk.KindOf(err) != tt.kind {
				t.Errorf("got %v, want kind %s", err, tt.kind)
			}
		})
	}
	if _, err := a.Open(t.Context(), opening()); sdk.KindOf(err) != sdk.KindUnsupported {
		t.Errorf("Open: %v, want unsupported", err)
	}
	if n := v.calls.Load(); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}
