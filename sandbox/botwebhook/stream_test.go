package botwebhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

// readStream makes a call over the network and returns the response. It replaces the message id by ID.
func readStream(t *testing.T, s *Simulator) (string, error) {
	t.Helper()
	resp := openStream(t, testContext(t), s)
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != "text/event-stream" {
		t.Errorf("got %d, %q, want 200, text/event-stream", resp.StatusCode, got)
	}
	body, err := io.ReadAll(resp.Body)
	return messageID.ReplaceAllString(string(body), `"message_id":"ID"`), err
}

func openStream(t *testing.T, ctx context.Context, s *Simulator) *http.Response {
	t.Helper()
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close)
	c := create(t, s, "u1")
	body := strings.Replace(question(c, "Hello"), "webhook", "streaming", 1)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+"/v2/conversation/message", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer app-key")
	r.Header.Set("Content-Type", "application/json")
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

var messageID = regexp.MustCompile(`"message_id":"[0-9a-f]{24}"`)

// answerWith returns an AnswerFunc that always returns these answers.
func answerWith(answers ...Answer) AnswerFunc {
	return func(Conversation, []Message) []Answer { return answers }
}

const (
	infoFrame = `{"code":11,"message":"MessageInfo","data":{"message_id":"ID"}}`
	costFrame = `{"code":4,"message":"Cost","data":{"completion_tokens":10,"completion_tokens_details":` +
		`{"audio_tokens":0,"reasoning_tokens":0,"text_tokens":10},"prompt_tokens":19,"prompt_tokens_details":` +
		`{"audio_tokens":0,"text_tokens":19},"total_tokens":29}}`
	endFrame = `{"code":0,"message":"End","data":null}`
)

func TestStreamedFrames(t *testing.T) {
	tests := []struct {
		name   string
		style  Stream
		answer AnswerFunc
		want   []string // lines
	}{
		{"text in pieces", Stream{}, answerWith(Answer{Text: "Hallöchen"}), []string{
			"data: " + infoFrame, "",
			`data: {"code":3,"message":"Text","data":"Hal"}`, "",
			`data: {"code":3,"message":"Text","data":"löc"}`, "",
			`data: {"code":3,"message":"Text","data":"hen"}`, "",
			"data: " + costFrame, "", "data: " + endFrame, "",
		}},
		{"flow", Stream{Pieces: 1}, answerWith(Answer{Text: "你好", Component: "User Input",
			Items: []Item{{Text: "b", Branch: "2", Component: "LLM"}}}, Answer{Text: "plain"}), []string{
			"data: " + infoFrame, "",
			`data: {"code":3,"message":"Text","data":"plain"}`, "",
			`data: {"code":10,"message":"FlowOutput","data":[{"branch":null,"content":"你好","from_component_name":"User Input"},` +
				`{"branch":"2","content":"b","from_component_name":"LLM"}]}`, "",
			"data: " + costFrame, "", "data: " + endFrame, "",
		}},
		{"audio", Stream{Pieces: 2}, answerWith(Answer{Audio: []Audio{
			{Transcript: "你好吗", Data: []byte("abcdefg"), URL: "http://x/y.wav", Seconds: 3}}}), []string{
			"data: " + infoFrame, "",
			`data: {"code":39,"message":"Audio","data":{"audioAnswer":"","transcript":"你好"}}`, "",
			`data: {"code":39,"message":"Audio","data":{"audioAnswer":"","transcript":"吗"}}`, "",
			`data: {"code":39,"message":"Audio","data":{"audioAnswer":"YWJj","transcript":""}}`, "",
			`data: {"code":39,"message":"Audio","data":{"audioAnswer":"ZGVm","transcript":""}}`, "",
			`data: {"code":39,"message":"Audio","data":{"audioAnswer":"Zw==","transcript":""}}`, "",
			`data: {"code":10,"message":"FlowOutput","data":[{"audioDatas":[{"seconds":3,"transcript":"你好吗",` +
				`"url":"http://x/y.wav"}],"branch":null,"content":"","from_component_name":""}]}`, "",
			"data: " + costFrame, "", "data: " + endFrame, "",
		}},
		{"bare", Stream{Bare: true, Pieces: 1}, answerWith(Answer{Text: "a"}), []string{
			infoFrame + "  ", `{"code":3,"message":"Text","data":"a"}  `, costFrame + "  ", endFrame + "  ",
		}},
		{"two frames in a line", Stream{Joined: true, Pieces: 1}, answerWith(Answer{Text: "a"}), []string{
			"data: " + infoFrame + `{"code":3,"message":"Text","data":"a"}`, "", "data: " + costFrame + endFrame, "",
		}},
		{"two frames in a bare line", Stream{Joined: true, Bare: true}, answerWith(), []string{infoFrame + costFrame + "  ", endFrame + "  "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readStream(t, start(t, Options{Stream: tt.style, Answer: tt.answer}))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Split(strings.TrimSuffix(got, "\n"), "\n")); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultsInTheMiddleOfAStream(t *testing.T) {
	half := "data: " + infoFrame + "\n\n" + `data: {"code":3,"message":"Text","data":"a"}` + "\n\n"
	tests := []struct {
		name  string
		fault simulator.Fault
		want  string
		err   bool
	}{
		{"ends", simulator.Fault{Kind: simulator.Truncate}, half, false},
		{"breaks off", simulator.Fault{Kind: simulator.Reset}, half, true},
		{"error frame", simulator.Fault{Kind: simulator.Refuse, Code: 50000},
			half + `data: {"code":50000,"message":"Internal error","data":null}` + "\n\n", false},
		{"slow", simulator.Fault{Kind: simulator.Slow, Delay: time.Millisecond},
			half + "data: " + costFrame + "\n\ndata: " + endFrame + "\n\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{Stream: Stream{Pieces: 1}, Answer: answerWith(Answer{Text: "a"})})
			tt.fault.Endpoint = EndpointStream
			s.Faults.Add(tt.fault)
			got, err := readStream(t, s)
			if (err != nil) != tt.err {
				t.Errorf("err = %v, want one: %v", err, tt.err)
			}
			// A reset may overtake earlier output.
			if got != tt.want && !(tt.err && strings.HasPrefix(tt.want, got)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStreamEndsWhenTheCallIsCanceled(t *testing.T) {
	s := start(t, Options{})
	s.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: EndpointStream})
	ctx, cancel := context.WithCancel(testContext(t))
	resp := openStream(t, ctx, s)
	defer resp.Body.Close()
	cancel()
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v, want canceled", err)
	}
	// Close of the server, in the cleanup, waits for the handler.
}
