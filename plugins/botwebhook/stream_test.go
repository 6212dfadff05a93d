package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// readTexts reads a stream of text frames to its end.
func readTexts(r io.Reader) (texts []string, malformed int, err error) {
	frames := newFrameReader(r)
	for {
		f, err := frames.next()
		if err != nil {
			return texts, frames.malformed, err
		}
		texts = append(texts, stringOf(f.Data))
	}
}

func TestStreamIsSplitIntoFrames(t *testing.T) {
	const a, b = `{"code":3,"message":"Text","data":"a"}`, `{"code":3,"message":"Text","data":"b"}`
	pretty := strings.NewReplacer("{", "{\n\n ", ",", ",\n ", "}", "\n}").Replace
	tests := []struct {
		name, stream string
		want         []string
		malformed    int
	}{
		{"data lines", "data: " + a + "\n\ndata: " + b + "\n\n", []string{"a", "b"}, 0},
		{"no space", "data:" + a + "\n\ndata:" + b + "\n\n", []string{"a", "b"}, 0},
		{"no empty lines", "data: " + a + "\ndata: " + b + "\n", []string{"a", "b"}, 0},
		{"carriage returns", "data: " + a + "\r\rdata: " + b + "\r\r", []string{"a", "b"}, 0},
		{"CRLF", "data: " + a + "\r\n\r\ndata: " + b + "\r\n\r\n", []string{"a", "b"}, 0},
		{"no newline", "data: " + a, []string{"a"}, 0},
		{"other fields and comments", "\ufeff: hello\nevent: message\nid: 7\nretry: 10\ndata: " + a + "\n\n", []string{"a"}, 0},
		{"bare", a + "\n" + b + "\n", []string{"a", "b"}, 0},
		{"bare, indented", "  " + a + "\n\t" + b, []string{"a", "b"}, 0},
		{"two on one line", a + b + "\n", []string{"a", "b"}, 0},
		{"two on one data line", "data: " + a + " " + b + "\n\n", []string{"a", "b"}, 0},
		{"one on several lines", pretty(a) + "\n" + pretty(b), []string{"a", "b"}, 0},
		{"one on several data lines", "data: {\"code\":3,\ndata: \"data\":\"a\"}\n\n", []string{"a"}, 0},
		{"other fields between data lines", "data: {\"code\":3,\nid: 3\ndata: \"data\":\"a\"}\n\n", []string{"a"}, 0},
		{"braces and quotes in texts", `data: {"data":"}{[\\\"]"}` + "\n\n", []string{`}{[\"]`}, 0},
		{"malformed event", "data: {\"code\":3,\"data\":\"x\n\ndata: " + a + "\n\n", []string{"a"}, 1},
		{"malformed event, then a bare frame", "data: {\"code\":3,\"data\":\"x\n" + a + "\n", []string{"a"}, 1},
		{"unknown end marker", "data: " + a + "\n\ndata: [DONE]\n\n", []string{"a"}, 1},
		{"no JSON", "hello\n\ndata: hello\n\ndata: " + a + "\n\n", []string{"a"}, 2},
		{"a long line", strings.Repeat("x", 100) + "\n" + a, []string{"a"}, 1},
		{"text after a frame", a + " hello " + b + "\n" + b, []string{"a", "b"}, 1},
		{"balanced, but not JSON", "{]\n" + a + "\n{x}\n" + b, []string{"a", "b"}, 2},
		{"not UTF-8", "data: {\"data\":\"\xff\"}\n\n", []string{"\ufffd"}, 0},
		{"member twice", `{"data":"a","data":"b"}`, []string{"b"}, 0},
		{"nothing", "", nil, 0},
		{"only newlines", "\n\r\n\r\n\n", nil, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{
				"whole": strings.NewReader(tt.stream), "bytes": iotest.OneByteReader(strings.NewReader(tt.stream)),
				"end with data": iotest.DataErrReader(strings.NewReader(tt.stream)),
			} {
				got, malformed, err := readTexts(r)
				if !errors.Is(err, io.EOF) {
					t.Errorf("%s: ended with %v", name, err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || malformed != tt.malformed {
					t.Errorf("%s: %d malformed, want %d (-want +got):\n%s", name, malformed, tt.malformed, diff)
				}
			}
		})
	}
}

func TestStreamLimits(t *testing.T) {
	const text = "data: {\"code\":3,\"data\":\"a\"}\n\n"
	tests := []struct {
		name   string
		stream io.Reader
		frames int
	}{
		{"one large frame", strings.NewReader(text + "data: {\"data\":\"" + strings.Repeat("x", maxFrameBytes) + "\"}\n\n"), 1},
		{"one large bare frame", strings.NewReader(text + "{\n" + strings.Repeat("\n", maxFrameBytes) + `"x"`), 1},
		{"many frames", strings.NewReader(strings.Repeat("{}", maxFrames+1)), maxFrames},
		{"many bytes", io.MultiReader(strings.NewReader(text), strings.NewReader(strings.Repeat(": nothing\n", maxStreamBytes/10+10))), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := readTexts(tt.stream)
			if !errors.Is(err, errStreamLimit) || len(got) != tt.frames {
				t.Errorf("%d frames, then %v; want %d, then the limit", len(got), err, tt.frames)
			}
		})
	}
}

// The content before a limit is kept, and the call is not repeated.
func TestContentBeforeALimitIsKept(t *testing.T) {
	large := "data: {\"code\":39,\"data\":{\"audioAnswer\":\"" + strings.Repeat("x", maxFrameBytes) + "\"}}\n\n"
	got, err := newBotIn(t, modeStreaming, flushed(func() {}, textHello, large)).Deliver(t.Context(), delivery())
	if err != nil || golden.Valid(t, got.Replies)[0].Text() != "Hello" || !strings.Contains(got.Degraded, "limits") {
		t.Errorf("got %+v, %v", got, err)
	}
	long := strings.Repeat("字", 50_000)
	frame := `data: {"code":3,"data":"` + long + `"}` + "\n\n"
	got, err = newBotIn(t, modeStreaming, flushed(func() {}, frame, frame, endFrame)).Deliver(t.Context(), delivery())
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, p := range golden.Valid(t, got.Replies)[0].Parts {
		text += p.Text
	}
	if !strings.HasPrefix(long+long, text) || len(text) < maxReplyBytes-envelope.MaxTextBytes || !strings.Contains(got.Degraded, "too long") {
		t.Errorf("%d of %d bytes, degraded %q", len(text), 2*len(long), got.Degraded)
	}
}

// The content before a cancellation is kept.
func TestContentBeforeACancellationIsKept(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	a := newBotIn(t, modeStreaming, flushed(func() { <-release }, infoM1, textHello))
	transport := a.channels["faq"].client.Transport
	a.channels["faq"].client.Transport = watchingTransport{transport, "Hello", cancel}
	got, err := a.Deliver(ctx, delivery())
	if err != nil {
		t.Fatal(err)
	}
	if golden.Valid(t, got.Replies)[0].Text() != "Hello" || !strings.Contains(got.Degraded, context.Canceled.Error()) {
		t.Errorf("got %+v", got)
	}
}

// watchingTransport calls found when a response contains text.
type watchingTransport struct {
	http.RoundTripper
	text  string
	found func()
}

func (l watchingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(req)
	if err == nil {
		resp.Body = &watchedBody{ReadCloser: resp.Body, t: l}
	}
	return resp, err
}

type watchedBody struct {
	io.ReadCloser
	t    watchingTransport
	read strings.Builder
}

func (r *watchedBody) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.read.Write(p[:n])
	if strings.Contains(r.read.String(), r.t.text) {
		r.t.found()
	}
	return n, err
}

// A text or transcript that repeats another one is omitted.
func TestRepeatedTextsOfAStreamAreOmitted(t *testing.T) {
	flow := func(content string) string {
		return `{"code":10,"data":[{"content":"` + content + `","branch":"1","from_component_name":"LLM"}]}`
	}
	audio := func(transcript string) string {
		return `{"code":39,"data":{"audioAnswer":"UklGRg==","transcript":"` + transcript + `"}}`
	}
	const hello, world = `{"code":3,"data":"Hello"}`, `{"code":3,"data":" world"}`
	spokenFlow := `{"code":10,"data":[{"content":"Hi","audioDatas":[{"audioAnswer":"UklGRg==","transcript":"Hello"}]}]}`
	linked := func(name string) string {
		return `{"code":10,"data":[{"content":"Hi","audioDatas":[{"` + name + `":"https://v.example/a.mp3","transcript":"Hello","seconds":2}]}]}`
	}
	tests := []struct {
		name   string
		frames []string
		want   []string // texts; * marks transcripts, @ texts of a flow, # recordings
	}{
		{"audio of the flow with url", []string{linked("url")}, []string{"Hi", "#Hello https://v.example/a.mp3"}},
		{"audio of the flow with audio", []string{linked("audio")}, []string{"Hi", "#Hello https://v.example/a.mp3"}},
		{"only text", []string{hello, world}, []string{"Hello world"}},
		{"flow repeats the text", []string{hello, flow("Hello")}, []string{"@Hello"}},
		{"flow repeats the text in two items", []string{hello, world, flow("Hello"), flow(" world")}, []string{"@Hello", "@ world"}},
		{"flow adds text", []string{hello, flow("Hi")}, []string{"Hello", "@Hi"}},
		{"audio repeats the text", []string{hello, world, audio("Hello"), audio(" world")}, []string{"Hello world"}},
		{"audio adds text", []string{hello, audio("Listen")}, []string{"Hello", "*Listen"}},
		{"only audio", []string{audio("Listen")}, []string{"*Listen"}},
		{"audio repeats the flow", []string{flow("Hello"), audio("Hello")}, []string{"@Hello"}},
		{"audio of the flow twice", []string{spokenFlow, audio("Hello")}, []string{"Hi", "*Hello"}},
		{"halves of a character", []string{`{"code":3,"data":"hi \ud83d"}`, `{"code":3,"data":"\ude00 there"}`}, []string{"hi 😀 there"}},
		{"halves of a character in audio", []string{audio(`hi \ud83d`), audio(`\ude00 there`)}, []string{"*hi 😀 there"}},
		{"half of a character", []string{`{"code":3,"data":"hi \ud83d"}`, `{"code":3,"data":" there"}`}, []string{"hi \ufffd there"}},
		{"half of a character at the end", []string{`{"code":3,"data":"hi \ud83d"}`, `{"code":3,"data":null}`}, []string{"hi \ufffd"}},
		{"escapes", []string{`{"code":3,"data":"a\"b\\\n"}`, `{"code":3,"data":"n"}`}, []string{"a\"b\\\nn"}},
		{"audio without a transcript", []string{hello, audio("")}, []string{"Hello"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s streamAnswer
			s.collect(strings.NewReader(strings.Join(tt.frames, "\n")+`{"code":0}`), nil)
			var got []string
			for _, p := range s.parts() {
				mark := ""
				if p.Attributes[attrComponent] != "" {
					mark = "@"
				}
				if p.Attributes[attrAudio] == "transcript" {
					mark = "*"
				}
				if p.Type == envelope.PartAudio {
					p.Text, mark = p.Text+" "+p.URL, "#"
				}
				got = append(got, mark+p.Text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || !s.ended || s.malformed > 0 {
				t.Errorf("ended %v, %d malformed (-want +got):\n%s", s.ended, s.malformed, diff)
			}
		})
	}
}

func TestStreamWithFailureStatus(t *testing.T) {
	v := &vendor{status: 400, body: apiError(40127)}
	_, err := newBotIn(t, modeStreaming, v).Deliver(t.Context(), delivery())
	if sdk.KindOf(err) != sdk.KindUnauthorized {
		t.Errorf("got %v, want unauthorized", err)
	}
}
