package botwebhook

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/simulator"
)

// twoOutputs is an answer of a flow with two outputs. The second output has audio.
var twoOutputs = Answer{Text: "one", Branch: "1", Component: "Start", Items: []Item{
	{Text: "two", Component: "LLM", Audio: []Audio{{URL: "http://x/y.mp3", Transcript: "zwei"}}},
}}

// withoutAudio returns twoOutputs without the audio.
func withoutAudio() Answer {
	a := twoOutputs
	a.Items = []Item{{Text: "two", Component: "LLM"}}
	return a
}

func TestAnswersWithSeveralOutputs(t *testing.T) {
	nested := []any{
		map[string]any{"from_component_branch": "1", "from_component_name": "Start", "content": map[string]any{"text": "one"}},
		map[string]any{"from_component_branch": "", "from_component_name": "LLM", "content": map[string]any{
			"text": "two", "audio": []any{map[string]any{"audio": "http://x/y.mp3", "transcript": "zwei"}}}},
	}
	one := map[string]any{"content": "one", "branch": "1", "from_component_name": "Start"}
	two := map[string]any{"content": "two", "from_component_name": "LLM"}
	tests := []struct {
		name   string
		form   Form
		answer Answer
		want   map[string]any
	}{
		{"v1", FormV1, withoutAudio(), map[string]any{"message_type": "ANSWER", "text": "one", "flow_output": []any{two}}},
		{"flow", FormFlow, withoutAudio(), map[string]any{"message_type": "ANSWER", "flow_output": []any{one, two}}},
		{"v2", FormV2, twoOutputs, map[string]any{"output": nested}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHook(t)
			s := start(t, Options{Form: tt.form, Milliseconds: true})
			s.SetGateway(h.URL)
			if err := s.Answer(create(t, s, "u1"), tt.answer); err != nil {
				t.Fatal(err)
			}
			got := h.waitForCalls(t, 1)[0].body
			if created, _ := got["create_time"].(float64); created < 1e12 {
				t.Errorf("create_time %v, want milliseconds", got["create_time"])
			}
			for _, k := range []string{"conversation_id", "message_id", "create_time", "usage"} {
				delete(got, k)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFlatBodiesRefuseAudio(t *testing.T) {
	for name, tt := range map[string]struct {
		form   Form
		answer Answer
	}{
		"audio in the flat body": {FormV1, twoOutputs},
		"audio in the flow body": {FormFlow, twoOutputs},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{Form: tt.form})
			if err := s.Answer(create(t, s, "u1"), tt.answer); err == nil || s.Outcomes.Len() != 0 {
				t.Errorf("err = %v with %d calls, want an error and none", err, s.Outcomes.Len())
			}
		})
	}
}

func TestBlockingAnswers(t *testing.T) {
	tests := []struct {
		name    string
		version string
		options Options
		answers []Answer
		want    string // without ids, time and usage
	}{
		{"v2", "v2", Options{}, []Answer{twoOutputs}, `{"output":[{"from_component_branch":"1","from_component_name":"Start",` +
			`"content":{"text":"one"}},{"from_component_branch":"","from_component_name":"LLM",` +
			`"content":{"text":"two","audio":[{"audio":"http://x/y.mp3","transcript":"zwei"}]}}]}`},
		{"v2 without answers", "v2", Options{}, nil, `{"output":[]}`},
		{"v1", "v1", Options{}, []Answer{{Text: "a"}, {Text: "b"}}, `{"text":"a\nb"}`},
		{"v1 of a flow", "v1", Options{}, []Answer{withoutAudio()},
			`{"flow_output":[{"content":"one","branch":"1","from_component_name":"Start"},` +
				`{"content":"two","from_component_name":"LLM"}]}`},
		{"v1 by option", "v1", Options{Form: FormFlow}, []Answer{{Text: "a"}}, `{"flow_output":[{"content":"a"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.options.Answer = answerWith(tt.answers...)
			s := start(t, tt.options)
			c := create(t, s, "u1")
			body := map[string]string{
				"v1": `{"conversation_id":"` + c + `","response_mode":"blocking","text":"hi"}`,
				"v2": strings.Replace(question(c, "hi"), "webhook", "blocking", 1),
			}[tt.version]
			status, got := call(t, s, "/"+tt.version+"/conversation/message", "app-key", body)
			if status != 200 || got["conversation_id"] != c || got["message_id"] == "" {
				t.Fatalf("got %d %v", status, got)
			}
			for _, k := range []string{"conversation_id", "message_id", "create_time", "usage"} {
				delete(got, k)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWebhookResponseMustMatchTheExample(t *testing.T) {
	for body, want := range map[string]bool{
		`{"code":200,"msg":"success"}`: true, `{"code":200}`: false,
		`{}`: false, `{"code":"200"}`: false, `{"code":0,"msg":"success"}`: false, `ok`: false,
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, body)
		}))
		s := start(t, Options{})
		s.SetGateway(srv.URL)
		if err := s.Answer(create(t, s, "u1"), Answer{Text: "x"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Outcomes.Wait(testContext(t), func(o []simulator.Outcome) bool { return len(o) == 1 }); err != nil {
			t.Fatal(err)
		}
		if got := s.Outcomes.All()[0].Accepted; got != want || (s.Problems.Len() == 0) != want {
			t.Errorf("response %s: accepted %v with problems %v, want %v", body, got, s.Problems.All(), want)
		}
		srv.Close()
	}
}
