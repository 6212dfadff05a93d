package native

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/fault"
)

const user = "8fcc179e-302e-4d80-9719-e61df2163a1c"

// gateway records what it is told and answers as the live chat's document says.
func gateway(t *testing.T) (base string, heard *[]string) {
	t.Helper()
	heard = new([]string)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read body: %v", err)
		}
		*heard = append(*heard, r.Method+" "+r.URL.Path+" "+string(body))
		io.WriteString(w, "{}")
	}))
	t.Cleanup(srv.Close)
	return srv.URL, heard
}

func TestSayFollowsEachRevision(t *testing.T) {
	const head = `POST /x/mp/webhooks/native/messages/d8ai/d8ai_chatbot {"userId":"` + user + `","accessToken":"at"`
	const said = `"payload":{"userSay":"Hello","userInfo":{"id":"` + user + `"}`
	tests := []struct {
		name string
		opts []Option
		want string
	}{
		{"04/17 with data", []Option{WithTargetAgents("example_qa"), WithData("d")},
			head + `,` + said + `,"userData":{"targetAgents":["example_qa"],"customPayload":{"data":"d"}}}}`},
		{"04/10 with free payload", []Option{WithCustomPayload(map[string]any{"n": 1})},
			head + `,` + said + `,"userData":{"customPayload":{"n":1}}}}`},
		{"03/09", []Option{WithRevision(Revision0309), WithTargetAgents("example_qa")},
			head + `,` + said + `,"userData":{"targetAgents":["example_qa"]}}}`},
		{"own message id", []Option{WithMessageID("m1")}, head + `,"messageId":"m1",` + said + `}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			base, heard := gateway(t)
			s := New(Options{Gateway: base, Prefix: "/x", AccessToken: "at"})
			defer s.Close()
			status, body, err := s.Say(soon(t), user, "Hello", tt.opts...)
			if err != nil || status != 200 || string(body) != "{}" {
				t.Fatalf("Say = %d, %q, %v, want 200 {}", status, body, err)
			}
			if diff := cmp.Diff([]string{tt.want}, *heard); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSayRefusesWhatTheRevisionLacks(t *testing.T) {
	s := New(Options{Gateway: "http://127.0.0.1:1"})
	defer s.Close()
	tests := []struct {
		name string
		opts []Option
		want string
	}{
		{"payload before it existed", []Option{WithData("d"), WithRevision(Revision0309)}, "03/09"},
		{"free payload in 04/17", []Option{WithCustomPayload(map[string]any{"n": 1}), WithRevision(Revision0417)}, "04/17"},
		{"data of 256 characters", []Option{WithData(strings.Repeat("人", 256))}, "256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := s.Say(soon(t), user, "x", tt.opts...); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("err = %v, want one about %s", err, tt.want)
			}
		})
	}
	if n := s.Counts().Said; n != 0 {
		t.Errorf("%d requests were sent, want none", n)
	}
}

func TestSayDuplicateSendsTheSameRequestTwice(t *testing.T) {
	base, heard := gateway(t)
	s := New(Options{Gateway: base})
	defer s.Close()
	s.Faults.Add(fault.Fault{Kind: fault.Duplicate, Endpoint: EndpointSay, Count: 1})
	if _, _, err := s.Say(soon(t), user, "Hello", WithMessageID("m")); err != nil {
		t.Fatal(err)
	}
	if len(*heard) != 2 || (*heard)[0] != (*heard)[1] {
		t.Errorf("gateway heard %q, want the same twice", *heard)
	}
}

func post(t *testing.T, s *Simulator, token, key, body string) int {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/livechat/replies", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Idempotency-Key", key)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code
}

func answerBody(t *testing.T, id, text string) string {
	t.Helper()
	b, err := json.Marshal(reply{UserID: user, MessageID: id, Payload: Payload{BotSay: text, Sender: Sender{Role: "bot"}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnswersAreRecordedInOrderWithTheirRepeats(t *testing.T) {
	var observed []string
	s := New(Options{ReplyToken: "rt", Observe: func(a Answer) { observed = append(observed, a.Payload.BotSay) }})
	defer s.Close()
	for i, text := range []string{"one", "two", "one"} {
		if status := post(t, s, "rt", "key-"+text, answerBody(t, text, text)); status != 200 {
			t.Fatalf("answer %d: status %d", i, status)
		}
	}
	var got []string
	if err := s.Wait(soon(t), user, func(a []Answer) bool { return len(a) == 3 }); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.Received(user) {
		got = append(got, a.Key+" "+a.Payload.BotSay)
	}
	if diff := cmp.Diff([]string{"key-one one", "key-two two", "key-one one"}, got); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one", "two", "one"}, observed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	if r := s.Repeated(user); len(r) != 1 || r[0].Key != "key-one" {
		t.Errorf("Repeated = %v, want the second key-one", r)
	}
	next, err := s.Next(soon(t), user, 2)
	if err != nil || len(next) != 1 || next[0].MessageID != "one" {
		t.Errorf("Next = %v, %v, want the third answer", next, err)
	}
}

func TestAnswersThatBreakTheFormatAreRefused(t *testing.T) {
	const bot = `"sender":{"role":"bot","name":"faq"}`
	tests := []struct {
		name, token, body string
		status            int
	}{
		{"message", "rt", `{"userId":"u","messageId":"m","payload":{"botSay":"x",` + bot + `}}`, 200},
		{"event", "rt", `{"userId":"u","messageId":"m","payload":{"event":{"type":"passed","owner":"desk"},` +
			`"sender":{"role":"system"}}}`, 200},
		{"wrong token", "no", `{}`, 401},
		{"no JSON", "rt", `{`, 400},
		{"no user", "rt", `{"messageId":"m","payload":{"botSay":"x",` + bot + `}}`, 400},
		{"unknown role", "rt", `{"userId":"u","messageId":"m","payload":{"botSay":"x","sender":{"role":"cat"}}}`, 400},
		{"unknown event", "rt", `{"userId":"u","messageId":"m","payload":{"event":{"type":"moved"},` + bot + `}}`, 400},
		{"other user inside", "rt",
			`{"userId":"u","messageId":"m","payload":{"botSay":"x",` + bot + `,"userInfo":{"id":"v"}}}`, 400},
		{"for another bot", "rt",
			`{"userId":"u","messageId":"m","chatbotName":"x","payload":{"botSay":"x",` + bot + `}}`, 400},
		{"no time", "rt", `{"userId":"u","messageId":"m","sentAt":"today","payload":{"botSay":"x",` + bot + `}}`, 400},
		{"nothing said", "rt", `{"userId":"u","messageId":"m","payload":{` + bot + `}}`, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Options{ReplyToken: "rt"})
			defer s.Close()
			if got := post(t, s, tt.token, "k", tt.body); got != tt.status {
				t.Errorf("status %d, want %d; problems %v", got, tt.status, s.Problems.All())
			}
			if got := s.Counts().Answers; (got == 1) != (tt.status == 200) {
				t.Errorf("%d answers counted with status %d", got, tt.status)
			}
		})
	}
}

func TestSayWithOurAdditions(t *testing.T) {
	base, heard := gateway(t)
	s := New(Options{Gateway: base, AccessToken: "at"})
	defer s.Close()
	picture := File{Type: "image", URL: "http://x/y.png", ContentType: "image/png", Name: "y.png", Size: 7, Text: "a cat"}
	for _, o := range []Option{WithMedia(picture), WithEvent("read", "m1", "m2"), WithEvent("typing")} {
		if _, _, err := s.Say(soon(t), "u", "", o); err != nil {
			t.Fatal(err)
		}
	}
	const head = `POST /mp/webhooks/native/messages/d8ai/d8ai_chatbot {"userId":"u","accessToken":"at",` +
		`"payload":{"userSay":"","userInfo":{"id":"u"},`
	want := []string{
		head + `"media":[{"type":"image","url":"http://x/y.png","text":"a cat","contentType":"image/png",` +
			`"name":"y.png","size":7}]}}`,
		head + `"event":{"type":"read","messageIds":["m1","m2"]}}}`,
		head + `"event":{"type":"typing"}}}`,
	}
	if diff := cmp.Diff(want, *heard); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestSayMisbehavesOnCommand(t *testing.T) {
	const line = `POST /mp/webhooks/native/messages/d8ai/d8ai_chatbot `
	const body = `{"userId":"u","accessToken":"at","payload":{"userSay":"x","userInfo":{"id":"u"}}}`
	const whole = line + body
	tests := []struct {
		kind  fault.Kind
		heard []string
		fails bool
	}{
		{fault.BadSignature, []string{strings.Replace(whole, `"at"`, `"wrong-at"`, 1)}, false},
		{fault.Truncate, []string{line + body[:len(body)/2]}, false},
		{fault.Slow, []string{whole}, false},
		{fault.Drop, []string{whole}, true},
		{fault.Hang, nil, true},
	}
	for _, tt := range tests {
		t.Run(string(tt.kind), func(t *testing.T) {
			base, heard := gateway(t)
			s := New(Options{Gateway: base, AccessToken: "at"})
			defer s.Close()
			ctx, cancel := context.WithCancel(soon(t))
			defer cancel()
			s.Faults.Add(fault.Fault{Kind: tt.kind, Endpoint: EndpointSay})
			if tt.kind == fault.Hang {
				cancel()
			}
			if _, _, err := s.Say(ctx, "u", "x"); (err != nil) != tt.fails {
				t.Errorf("err = %v, want one: %v", err, tt.fails)
			}
			if diff := cmp.Diff(tt.heard, *heard); diff != "" {
				t.Errorf("gateway heard (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSayBreaksOffOnCommand(t *testing.T) {
	broken := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		broken <- err
	}))
	defer srv.Close()
	s := New(Options{Gateway: srv.URL})
	defer s.Close()
	s.Faults.Add(fault.Fault{Kind: fault.Reset, Endpoint: EndpointSay})
	if _, _, err := s.Say(soon(t), "u", "x"); err == nil {
		t.Error("a call that broke off got an answer")
	}
	if err := <-broken; err == nil {
		t.Error("the gateway read a whole body")
	}
}

func TestRepliesAreRefusedOnCommand(t *testing.T) {
	s := New(Options{ReplyToken: "rt"})
	defer s.Close()
	s.Faults.Add(fault.Fault{Kind: fault.ExpiredToken, Endpoint: EndpointReply, Count: 1})
	s.Faults.Add(fault.Fault{Kind: fault.Refuse, Endpoint: EndpointReply, Status: 422, Count: 1})
	for _, want := range []int{401, 422, 200} {
		if got := post(t, s, "rt", "k", answerBody(t, "m", "x")); got != want {
			t.Errorf("status %d, want %d", got, want)
		}
	}
}
