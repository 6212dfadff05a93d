package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const customerID = "0123456789abcdef0123456789abcdef"

func delivery() *sdk.Delivery {
	return &sdk.Delivery{Channel: "faq", Attempt: 1, Thread: "c1", Envelope: &envelope.Envelope{
		ID: "e1", Kind: envelope.KindMessage, Sender: envelope.Sender{Role: envelope.RoleCustomer},
		Parts: []envelope.Part{envelope.TextPart("private words")}}}
}

func opening() *sdk.OpenRequest { return &sdk.OpenRequest{Channel: "faq", CustomerID: customerID} }

// vendor gives the same response to all calls and counts them.
type vendor struct {
	status int
	header http.Header
	body   string
	calls  atomic.Int32
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	v.calls.Add(1)
	for name, values := range v.header {
		w.Header()[name] = values
	}
	w.WriteHeader(v.status)
	_, _ = io.WriteString(w, v.body)
}

// served returns the address of v and a client that does not follow redirects, as the client of the gateway.
func served(t *testing.T, v http.Handler) (string, *http.Client) {
	t.Helper()
	srv := httptest.NewServer(v)
	t.Cleanup(srv.Close)
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return srv.URL, client
}

// newBot returns an adapter with a channel of the role bot that calls v.
func newBot(t *testing.T, v http.Handler) *adapter {
	t.Helper()
	address, client := served(t, v)
	return configured(t, botJSON(address), client)
}

// newBotIn returns an adapter with a channel of the role bot in this mode and with additional settings.
func newBotIn(t *testing.T, mode string, v http.Handler, members ...string) *adapter {
	t.Helper()
	address, client := served(t, v)
	return configured(t, extend(botJSON(address), strings.Join(append(members, `"mode":"`+mode+`"`), ",")), client)
}

// apiError returns an error body. Its text must not be in errors of the adapter.
func apiError(code any) string {
	return fmt.Sprintf(`{"code":%v,"message":"refused: private words, key %s"}`, code, testKey)
}

func TestStatusAndCodeDecideTheOutcome(t *testing.T) {
	after := func(s string) http.Header { return http.Header{"Retry-After": {s}} }
	tests := []struct {
		name   string
		status int
		header http.Header
		body   string
		kind   sdk.ErrorKind // "" is success
		code   string
		after  time.Duration
	}{
		{name: "200 with an id", status: 200, body: `{"message_id":"m1"}`},
		{name: "200 empty", status: 200},
		{name: "200 blank", status: 200, body: " \n"},
		{name: "200 code 0", status: 200, body: `{"code":0,"message":"ok"}`},
		{name: "200 code 200", status: 200, body: `{"code":200,"message":"ok"}`},
		{name: "200 code null", status: 200, body: `{"code":null}`},
		{name: "204", status: 204},

		{name: "200 parameters", status: 200, body: apiError(40000), kind: sdk.KindInvalid, code: "40000"},
		{name: "200 authentication", status: 200, body: apiError(40127), kind: sdk.KindUnauthorized, code: "40127"},
		{name: "200 no conversation", status: 200, body: apiError(40356), kind: sdk.KindGone, code: "40356"},
		{name: "200 other conversation", status: 200, body: apiError(40358), kind: sdk.KindGone, code: "40358"},
		{name: "200 page number", status: 200, body: apiError(40005), kind: sdk.KindInvalid, code: "40005"},
		{name: "200 no images", status: 200, body: apiError(40364), kind: sdk.KindUnsupported, code: "40364"},
		{name: "200 internal", status: 200, body: apiError(50000), kind: sdk.KindTransient, code: "50000"},
		{name: "200 too long", status: 200, body: apiError(20040), kind: sdk.KindUnsupported, code: "20040"},
		{name: "200 credits", status: 200, body: apiError(20022), kind: sdk.KindTransient, code: "20022", after: 10 * time.Minute},
		{name: "200 credits, newer", status: 200, body: apiError(40379), kind: sdk.KindTransient, code: "40379",
			after: 10 * time.Minute},
		{name: "200 API off", status: 200, body: apiError(20055), kind: sdk.KindPermanent, code: "20055"},
		{name: "200 agent deleted", status: 200, body: apiError(20059), kind: sdk.KindPermanent, code: "20059"},
		{name: "200 agent deleted, newer", status: 200, body: apiError(40378), kind: sdk.KindPermanent, code: "40378"},
		{name: "200 not supported", status: 200, body: apiError(200222), kind: sdk.KindUnsupported, code: "200222"},
		{name: "200 code as text", status: 200, body: apiError(`"40356"`), kind: sdk.KindGone, code: "40356"},
		{name: "200 code like a status", status: 200, body: apiError(429), header: after("9"), kind: sdk.KindThrottled,
			code: "429", after: 9 * time.Second},
		{name: "200 code like a server's status", status: 200, body: apiError(503), kind: sdk.KindTransient, code: "503"},
		{name: "200 other internal code", status: 200, body: apiError(50123), kind: sdk.KindTransient, code: "50123"},
		{name: "200 unknown code", status: 200, body: apiError(77777), kind: sdk.KindPermanent, code: "77777"},

		{name: "200 internal behind a byte order mark", status: 200, body: "\ufeff" + apiError(50000), kind: sdk.KindTransient,
			code: "50000"},

		{name: "302 is not followed", status: 302, header: http.Header{"Location": {"/"}}, kind: sdk.KindPermanent},
		{name: "400", status: 400, kind: sdk.KindPermanent},
		{name: "400 no conversation", status: 400, body: apiError(40356), kind: sdk.KindGone, code: "40356"},
		{name: "400 unknown code", status: 400, body: apiError(77777), kind: sdk.KindPermanent, code: "77777"},
		{name: "401", status: 401, kind: sdk.KindUnauthorized},
		{name: "401 unknown code", status: 401, body: apiError(77777), kind: sdk.KindUnauthorized, code: "77777"},
		{name: "403 authentication", status: 403, body: apiError(40127), kind: sdk.KindUnauthorized, code: "40127"},
		{name: "404 a page", status: 404, body: `<html>`, kind: sdk.KindPermanent},
		{name: "408", status: 408, kind: sdk.KindTransient},
		{name: "413", status: 413, kind: sdk.KindUnsupported},
		{name: "429", status: 429, kind: sdk.KindThrottled},
		{name: "429 with a delay", status: 429, header: after("21"), kind: sdk.KindThrottled, after: 21 * time.Second},
		{name: "429 is never permanent", status: 429, body: apiError(20059), kind: sdk.KindThrottled, code: "20059"},
		{name: "429 with a code and a delay", status: 429, body: apiError(20059), header: after("9"), kind: sdk.KindThrottled, code: "20059",
			after: 9 * time.Second},
		{name: "429 credits", status: 429, body: apiError(20022), header: after("5"), kind: sdk.KindThrottled, code: "20022",
			after: 10 * time.Minute},
		{name: "500", status: 500, kind: sdk.KindTransient},
		{name: "500 is never permanent", status: 500, body: apiError(40000), kind: sdk.KindTransient, code: "40000"},
		{name: "500 with a code of success", status: 500, body: apiError(200), kind: sdk.KindTransient, code: "200"},
		{name: "502 a page", status: 502, body: `<html>`, kind: sdk.KindTransient},
		{name: "503 with a delay", status: 503, header: after("30"), kind: sdk.KindTransient, after: 30 * time.Second},
	}
	tested := map[string]bool{}
	for _, tt := range tests {
		tested[tt.code] = true
		for _, mode := range []string{modeWebhook, modeBlocking, modeStreaming} {
			if mode != modeWebhook && tt.kind == "" {
				continue // the responses of the modes differ
			}
			t.Run(tt.name+"/"+mode, func(t *testing.T) {
				v := &vendor{status: tt.status, header: tt.header, body: tt.body}
				receipt, err := newBotIn(t, mode, v).Deliver(t.Context(), delivery())
				if n := v.calls.Load(); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
				if tt.kind == "" {
					if err != nil || receipt == nil {
						t.Fatalf("got %v, %v; want a receipt", receipt, err)
					}
					return
				}
				e, ok := errors.AsType[*sdk.Error](err)
				if !ok || e.Kind != tt.kind || e.Code != tt.code || e.After != tt.after || e.Status != tt.status {
					t.Errorf("got %#v, want kind %s, code %q, after %v", err, tt.kind, tt.code, tt.after)
				}
				if ok && e.Kind == sdk.KindThrottled && e.Scope != sdk.ScopeChannel {
					t.Errorf("scope %q, want the channel", e.Scope)
				}
				checkNoSecrets(t, err)
			})
		}
	}
	for code := range codes {
		if !tested[strconv.Itoa(code)] {
			t.Errorf("code %d is not tested", code)
		}
	}
}

// A body that is not a JSON object is not from GPTBots. So the call does not succeed, and an earlier error about the
// account remains.
func TestOtherBodiesAreNoSuccess(t *testing.T) {
	for name, body := range map[string]string{
		"a page": `<html><body>Service busy</body></html>`, "a word": `ok`, "a list": `[]`, "null": `null`, "a string": `"ok"`,
		"truncated": `{"message_id":"m1"`, "two objects": `{}{}`, "a page behind a mark": "\ufeff<html>",
	} {
		v := &vendor{status: 200, body: body}
		for _, mode := range []string{modeWebhook, modeBlocking, modeStreaming} {
			a := newBotIn(t, mode, v)
			text := "out of credits"
			a.channel("faq").accountError.Store(&text)
			receipt, err := a.Deliver(t.Context(), delivery())
			if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Kind != sdk.KindUnknown || e.Status != 0 {
				t.Errorf("%s, %s: %+v, %v; want unknown without a status", name, mode, receipt, err)
			}
			if a.Health(t.Context(), "faq") == nil {
				t.Errorf("%s, %s: the channel became healthy", name, mode)
			}
		}
		if _, err := newBot(t, v).Open(t.Context(), opening()); err == nil || sdk.KindOf(err) != sdk.KindTransient {
			t.Errorf("%s, open: %v; want transient", name, err)
		}
		for _, kind := range []envelope.Kind{envelope.KindMessage, envelope.KindClosed} {
			if _, err := handoffAt(t, v).Deliver(t.Context(), handoffDelivery(kind)); err == nil || sdk.KindOf(err) != sdk.KindUnknown {
				t.Errorf("%s, hand-off %s: %v; want unknown", name, kind, err)
			}
		}
	}
}

// Only a valid message_id becomes the receipt's vendor id.
func TestReceiptHasAValidVendorID(t *testing.T) {
	for id, want := range map[string]string{"m1": "m1", strings.Repeat("m", 257): "", `m\n1`: ""} {
		got, err := newBot(t, &vendor{status: 200, body: `{"message_id":"` + id + `"}`}).Deliver(t.Context(), delivery())
		if err != nil || got.VendorID != want {
			t.Errorf("%.10q gives %+v, %v; want %q", id, got, err, want)
		}
	}
}

// After a status 504, the message is not repeated in the modes in which the response contains the answer.
func TestGatewayTimeoutIsUnknownIfTheResponseHasTheAnswer(t *testing.T) {
	for mode, want := range map[string]sdk.ErrorKind{
		modeWebhook: sdk.KindTransient, modeBlocking: sdk.KindUnknown, modeStreaming: sdk.KindUnknown,
	} {
		_, err := newBotIn(t, mode, &vendor{status: 504}).Deliver(t.Context(), delivery())
		if err == nil || sdk.KindOf(err) != want {
			t.Errorf("%s: %v, want %s", mode, err, want)
		}
	}
}

// checkNoSecrets checks that an error contains neither secrets nor the message.
func checkNoSecrets(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{testKey, testToken, "private words"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q contains %q", err, secret)
		}
	}
}

func TestOutcomeOfOpen(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		thread string
		kind   sdk.ErrorKind
	}{
		{"created", 200, `{"conversation_id":"c9"}`, "c9", ""},
		{"created, 201", 201, `{"conversation_id":"c9","x":1}`, "c9", ""},
		{"no id", 200, `{}`, "", sdk.KindTransient},
		{"empty id", 200, `{"conversation_id":""}`, "", sdk.KindTransient},
		{"id a number", 200, `{"conversation_id":202105284494222653}`, "202105284494222653", ""},
		{"id a list", 200, `{"conversation_id":["c9"]}`, "", sdk.KindTransient},
		{"longest id", 200, `{"conversation_id":"` + strings.Repeat("c", 256) + `"}`, strings.Repeat("c", 256), ""},
		{"id too long", 200, `{"conversation_id":"` + strings.Repeat("c", 257) + `"}`, "", sdk.KindTransient},
		{"id with a newline", 200, `{"conversation_id":"c\n9"}`, "", sdk.KindTransient},
		{"not JSON", 200, `<html>`, "", sdk.KindTransient},
		{"parameters", 200, apiError(40000), "", sdk.KindInvalid},
		{"authentication", 200, apiError(40127), "", sdk.KindUnauthorized},
		{"agent deleted", 400, apiError(40378), "", sdk.KindPermanent},
		{"gone", 200, apiError(40358), "", sdk.KindPermanent},
		{"too fast", 429, ``, "", sdk.KindThrottled},
		{"broken", 500, ``, "", sdk.KindTransient},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &vendor{status: tt.status, body: tt.body}
			got, err := newBot(t, v).Open(t.Context(), opening())
			if n := v.calls.Load(); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
			if tt.kind == "" {
				if err != nil || got.Thread != tt.thread || !got.Accepted {
					t.Errorf("got %+v, %v; want thread %s, accepted", got, err, tt.thread)
				}
				return
			}
			if err == nil || sdk.KindOf(err) != tt.kind {
				t.Errorf("got %v, want kind %s", err, tt.kind)
			}
		})
	}
}

func TestInterruptedCalls(t *testing.T) {
	cutOff := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"code":4`)
		_ = http.NewResponseController(w).Flush() // only the status is sent
		panic(http.ErrAbortHandler)
	})
	noAnswer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, handler := range map[string]http.Handler{"answer cut off": cutOff, "no answer": noAnswer} {
		t.Run(name, func(t *testing.T) {
			for _, mode := range []string{modeBlocking, modeStreaming} {
				if _, err := newBotIn(t, mode, handler).Deliver(t.Context(), delivery()); sdk.KindOf(err) != sdk.KindUnknown {
					t.Errorf("Deliver, %s: %v, want unknown", mode, err)
				}
			}
			if _, err := handoffAt(t, handler).Deliver(t.Context(), handoffDelivery(envelope.KindMessage)); sdk.KindOf(err) != sdk.KindUnknown {
				t.Errorf("Deliver, hand-off: %v, want unknown", err)
			}
			a := newBot(t, handler)
			if _, err := a.Deliver(t.Context(), delivery()); sdk.KindOf(err) != sdk.KindUnknown {
				t.Errorf("Deliver: %v, want unknown", err)
			}
			for _, mode := range []string{modeWebhook, modeBlocking, modeStreaming} { // an additional conversation is harmless
				_, err := newBotIn(t, mode, handler).Open(t.Context(), opening())
				if err == nil || sdk.KindOf(err) != sdk.KindTransient {
					t.Errorf("Open, %s: %v, want transient", mode, err)
				}
			}
		})
	}
}

// The name of a file in a v1 call ends with its format.
func TestV1FileNamesEndInTheFormat(t *testing.T) {
	tests := []struct {
		name string
		of   envelope.PartType
		item mediaItem
		want string
	}{
		{"in the name", envelope.PartFile, mediaItem{URL: "https://x.example/1", Name: "Bill.PDF", Format: "pdf"}, "Bill.PDF"},
		{"different extension", envelope.PartImage, mediaItem{URL: "https://x.example/a.jpg", Name: "photo.v2", Format: "jpg"}, "photo.v2.jpg"},
		{"only in the link", envelope.PartAudio, mediaItem{URL: "https://x.example/d/17.wav?sig=a.b", Format: "wav"}, "17.wav"},
		{"not in the link", envelope.PartFile, mediaItem{URL: "https://x.example/d/17", Format: "md"}, "file.md"},
		{"no link", envelope.PartImage, mediaItem{Content: []byte("PNG"), Format: "png"}, "image.png"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := fileOf(tt.of, tt.item)
			if got.Name != tt.want || got.Format != "" || got.URL != tt.item.URL || string(got.Content) != string(tt.item.Content) {
				t.Errorf("got %+v, want it named %s", got, tt.want)
			}
		})
	}
}

func TestInvalidDeliveriesMakeNoCall(t *testing.T) {
	v := &vendor{status: 200, body: `{"conversation_id":"c9"}`}
	a := newBot(t, v)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	deliver := func(ctx context.Context, change func(*sdk.Delivery)) func() error {
		return func() error {
			d := delivery()
			change(d)
			_, err := a.Deliver(ctx, d)
			return err
		}
	}
	open := func(ctx context.Context, change func(*sdk.OpenRequest)) func() error {
		return func() error {
			o := opening()
			change(o)
			_, err := a.Open(ctx, o)
			return err
		}
	}
	tests := []struct {
		name string
		call func() error
		kind sdk.ErrorKind
	}{
		{"deliver, ended context", deliver(ended, func(*sdk.Delivery) {}), sdk.KindTransient},
		{"deliver, unknown channel", deliver(t.Context(), func(d *sdk.Delivery) { d.Channel = "x" }), sdk.KindTransient},
		{"deliver, no thread", deliver(t.Context(), func(d *sdk.Delivery) { d.Thread = "" }), sdk.KindInvalid},
		{"deliver, no parts", deliver(t.Context(), func(d *sdk.Delivery) { d.Envelope.Parts = nil }), sdk.KindInvalid},
		{"deliver, typing", deliver(t.Context(), func(d *sdk.Delivery) { d.Envelope.Kind = envelope.KindTyping }),
			sdk.KindUnsupported},
		{"deliver, not UTF-8", deliver(t.Context(), func(d *sdk.Delivery) { d.Envelope.Parts[0].Text = "\xff" }),
			sdk.KindInvalid},
		{"open, ended context", open(ended, func(*sdk.OpenRequest) {}), sdk.KindTransient},
		{"open, unknown channel", open(t.Context(), func(o *sdk.OpenRequest) { o.Channel = "x" }), sdk.KindTransient},
		{"open, no customer", open(t.Context(), func(o *sdk.OpenRequest) { o.CustomerID = "" }), sdk.KindInvalid},
		{"open, customer id too long", open(t.Context(), func(o *sdk.OpenRequest) { o.CustomerID += "0" }), sdk.KindInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.call(); err == nil || sdk.KindOf(err) != tt.kind {
				t.Errorf("got %v, want kind %s", err, tt.kind)
			}
			if n := v.calls.Load(); n != 0 {
				t.Errorf("%d calls, want none", n)
			}
		})
	}
}

func TestHealthReflectsAccountErrors(t *testing.T) {
	v := &vendor{}
	a := newBot(t, v)
	steps := []struct {
		name      string
		status    int
		body      string
		unhealthy bool
	}{
		{"fine", 200, `{}`, false},
		{"key refused", 200, apiError(40127), true},
		{"server error changes nothing", 503, ``, true},
		{"too fast changes nothing", 429, ``, true},
		{"a redirect changes nothing", 302, ``, true},
		{"key accepted", 200, apiError(40356), false},
		{"key refused by status", 401, ``, true},
		{"fine again", 200, `{}`, false},
		{"out of credits", 200, apiError(20022), true},
		{"unknown error changes nothing", 200, apiError(77777), true},
		{"message too long, so the account works", 200, apiError(20040), false},
		{"API switched off", 200, apiError(20055), true},
		{"internal error changes nothing", 200, apiError(50000), true},
		{"switched on", 200, `{}`, false},
		{"agent deleted", 400, apiError(40378), true},
	}
	if err := a.Health(t.Context(), "faq"); err != nil {
		t.Errorf("before any call: %v", err)
	}
	for _, s := range steps {
		v.status, v.body = s.status, s.body
		_, _ = a.Deliver(t.Context(), delivery())
		err := a.Health(t.Context(), "faq")
		if (err != nil) != s.unhealthy {
			t.Errorf("%s: health %v, want unhealthy %v", s.name, err, s.unhealthy)
		}
		if err != nil {
			checkNoSecrets(t, err)
		}
	}
	if a.Health(t.Context(), "unheard-of") == nil {
		t.Error("an unconfigured channel is healthy")
	}
}

// The formats listed in "Send message v2" are accepted, others are not.
func TestDocumentedFormatsAreAccepted(t *testing.T) {
	for of, listed := range map[envelope.PartType][]string{
		envelope.PartImage: {"jpg", "jpeg", "png", "gif", "webp"},
		envelope.PartAudio: {"mp3", "wav"},
		envelope.PartFile:  {"pdf", "txt", "docx", "csv", "xlsx", "html", "json", "md", "tex", "ts", "xml"},
	} {
		for _, format := range append(listed, "svg", "ogg", "exe", "pd", "") {
			part := envelope.Part{Type: of, Name: "a." + strings.ToUpper(format), URL: "https://x.example/1"}
			got, ok := mediaItemOf(&part, nil, defaultMediaBytes)
			if want := slices.Contains(listed, format); ok != want || want && got.Format != format {
				t.Errorf("%s %q: carried %v as %q, want %v", of, format, ok, got.Format, want)
			}
		}
	}
}

func TestFormatIsFoundByNameLinkOrType(t *testing.T) {
	tests := []struct {
		name string
		part envelope.Part
		want string
	}{
		{"by name", envelope.Part{Type: envelope.PartFile, Name: "a.DOCX", URL: "https://x.example/1"}, "docx"},
		{"by link", envelope.Part{Type: envelope.PartImage, Name: "photo.v2",
			URL: "https://x.example/a.jpg?b=c.exe"}, "jpg"},
		{"by media type", envelope.Part{Type: envelope.PartImage, URL: "https://x.example/1", ContentType: "image/webp"}, "webp"},
		{"by mapped media type", envelope.Part{Type: envelope.PartFile, URL: "https://x.example/1",
			ContentType: "Text/Plain; charset=utf-8"}, "txt"},
		{"format of a different type", envelope.Part{Type: envelope.PartImage, URL: "https://x.example/a.mp3"}, ""},
		{"extension in the host", envelope.Part{Type: envelope.PartFile, URL: "https://x.md"}, ""},
		{"program", envelope.Part{Type: envelope.PartFile, Name: "a.exe", URL: "https://x.example/a.exe"}, ""},
		{"no link", envelope.Part{Type: envelope.PartFile, Name: "a.pdf"}, ""},
		{"not a web link", envelope.Part{Type: envelope.PartFile, Name: "a.pdf", URL: "file:///etc/a.pdf"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := mediaItemOf(&tt.part, nil, defaultMediaBytes)
			if ok != (tt.want != "") {
				t.Fatalf("carried %v, want %v", ok, tt.want != "")
			}
			if got.Format != tt.want {
				t.Errorf("format %q, want %q", got.Format, tt.want)
			}
		})
	}
}
