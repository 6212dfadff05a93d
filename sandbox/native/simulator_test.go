package native

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

const user = "8fcc179e-302e-4d80-9719-e61df2163a1c"

// newGateway starts a gateway that records the requests and responds as the vendor's document requires.
func newGateway(t *testing.T) (base string, requests *[]string) {
	t.Helper()
	requests = new([]string)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read body: %v", err)
		}
		*requests = append(*requests, r.Method+" "+r.URL.Path+" "+string(body))
		io.WriteString(w, "{}")
	}))
	t.Cleanup(srv.Close)
	return srv.URL, requests
}

func TestSayFollowsTheDocument(t *testing.T) {
	const head = `POST /x/mp/webhooks/native/messages/d8ai/d8ai_chatbot {"userId":"` + user + `","accessToken":"at"`
	const said = `"payload":{"userSay":"Hello","userInfo":{"id":"` + user + `"}`
	picture := File{Type: "image", URL: "http://x/y.png", ContentType: "image/png", Name: "y.png", Size: 7, Text: "a cat"}
	for _, tt := range []struct {
		name string
		opts []Option
		want string
	}{
		{"with data", []Option{WithData("d"), func(m *Message) { m.Payload.UserData.TargetAgents = []string{"example_qa"} }},
			head + `,` + said + `,"userData":{"targetAgents":["example_qa"],"customPayload":{"data":"d"}}}}`},
		{"own message id", []Option{WithMessageID("m1")}, head + `,"messageId":"m1",` + said + `}}`},
		{"media", []Option{WithMedia(picture)}, head + `,` + said + `,"media":[{"type":"image","url":"http://x/y.png",` +
			`"text":"a cat","contentType":"image/png","name":"y.png","size":7}]}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			base, requests := newGateway(t)
			s := New(Options{AccessToken: "at"})
			s.SetGateway(base + "/x")
			defer s.Close()
			s.Faults.Add(simulator.Fault{Kind: simulator.Duplicate, Endpoint: EndpointSay, Count: 1})
			status, body, err := s.Say(testContext(t), user, "Hello", tt.opts...)
			if err != nil || status != 200 || string(body) != "{}" {
				t.Fatalf("Say = %d, %q, %v, want 200 {}", status, body, err)
			}
			if diff := cmp.Diff([]string{tt.want, tt.want}, *requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongAccessTokenByFault(t *testing.T) {
	base, requests := newGateway(t)
	s := New(Options{AccessToken: "at"})
	s.SetGateway(base + "/x")
	defer s.Close()
	s.Faults.Add(simulator.Fault{Kind: simulator.BadSignature, Endpoint: EndpointSay, Count: 1})
	var tokens []string
	for range 2 {
		if status, _, err := s.Say(testContext(t), user, "Hello"); err != nil || status != 200 {
			t.Fatalf("Say = %d, %v, want 200", status, err)
		}
	}
	for _, request := range *requests {
		_, rest, _ := strings.Cut(request, `"accessToken":"`)
		token, _, _ := strings.Cut(rest, `"`)
		tokens = append(tokens, token)
	}
	if want := []string{"wrong-at", "at"}; !slices.Equal(tokens, want) {
		t.Errorf("access tokens %q, want %q", tokens, want)
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
	b, err := json.Marshal(wireAnswer{UserID: user, MessageID: id, Payload: Payload{BotSay: text, Sender: Sender{Role: "bot"}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnswersAreRecordedInOrderWithRepeatedAnswers(t *testing.T) {
	var observed []string
	s := New(Options{ReplyToken: "rt", Observe: func(a Answer) { observed = append(observed, a.Payload.BotSay) }})
	defer s.Close()
	for i, text := range []string{"one", "two", "one"} {
		if status := post(t, s, "rt", "key-"+text, answerBody(t, text, text)); status != 200 {
			t.Fatalf("answer %d: status %d", i, status)
		}
	}
	var got []string
	if err := s.Answers(user).Wait(testContext(t), func(a []Answer) bool { return len(a) == 3 }); err != nil {
		t.Fatal(err)
	}
	for _, a := range s.AllAnswers(user) {
		got = append(got, a.Key+" "+a.Payload.BotSay)
	}
	if diff := cmp.Diff([]string{"key-one one", "key-two two", "key-one one"}, got); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one", "two", "one"}, observed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	if r := s.RepeatedAnswers(user); len(r) != 1 || r[0].Key != "key-one" {
		t.Errorf("Repeated = %v, want the second key-one", r)
	}
	next, err := s.Answers(user).Next(testContext(t), 2)
	if err != nil || len(next) != 1 || next[0].MessageID != "one" {
		t.Errorf("Next = %v, %v, want the third answer", next, err)
	}
}

func TestInvalidAnswersAreRefused(t *testing.T) {
	const bot = `"sender":{"role":"bot","name":"faq"}`
	tests := []struct {
		name, token, body string
		status            int
	}{
		{"message", "rt", `{"userId":"u","messageId":"m","payload":{"botSay":"x",` + bot + `}}`, 200},
		{"event", "rt", `{"userId":"u","messageId":"m","payload":{"event":{"type":"passed","title":"desk"},` +
			`"sender":{"role":"system"}}}`, 200},
		{"wrong token", "no", `{}`, 401},
		{"not JSON", "rt", `{`, 400},
		{"no user", "rt", `{"messageId":"m","payload":{"botSay":"x",` + bot + `}}`, 400},
		{"unknown role", "rt", `{"userId":"u","messageId":"m","payload":{"botSay":"x","sender":{"role":"cat"}}}`, 400},
		{"unknown event", "rt", `{"userId":"u","messageId":"m","payload":{"event":{"type":"moved"},` + bot + `}}`, 400},
		{"another user in userInfo", "rt",
			`{"userId":"u","messageId":"m","payload":{"botSay":"x",` + bot + `,"userInfo":{"id":"v"}}}`, 400},
		{"another chatbotName", "rt",
			`{"userId":"u","messageId":"m","chatbotName":"x","payload":{"botSay":"x",` + bot + `}}`, 400},
		{"invalid time", "rt", `{"userId":"u","messageId":"m","sentAt":"today","payload":{"botSay":"x",` + bot + `}}`, 400},
		{"no content", "rt", `{"userId":"u","messageId":"m","payload":{` + bot + `}}`, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Options{ReplyToken: "rt"})
			defer s.Close()
			if got := post(t, s, tt.token, "k", tt.body); got != tt.status {
				t.Errorf("status %d, want %d; problems %v", got, tt.status, s.Problems.All())
			}
			if got := len(s.AllAnswers("u")); (got == 1) != (tt.status == 200) {
				t.Errorf("%d answers recorded with status %d", got, tt.status)
			}
		})
	}
}

func TestAnswersAreRefusedByFault(t *testing.T) {
	s := New(Options{ReplyToken: "rt"})
	defer s.Close()
	s.Faults.Add(simulator.Fault{Kind: simulator.ExpiredToken, Endpoint: EndpointReply, Count: 1})
	s.Faults.Add(simulator.Fault{Kind: simulator.Refuse, Endpoint: EndpointReply, Status: 422, Count: 1})
	for _, want := range []int{401, 422, 200} {
		if got := post(t, s, "rt", "k", answerBody(t, "m", "x")); got != want {
			t.Errorf("status %d, want %d", got, want)
		}
	}
}
