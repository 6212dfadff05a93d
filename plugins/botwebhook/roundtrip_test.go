package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// saying is one output item of v2 as the vendor writes it.
type saying struct {
	Branch    string `json:"from_component_branch,omitempty"`
	Component string `json:"from_component_name,omitempty"`
	Content   struct {
		Text  string     `json:"text,omitempty"`
		Audio []recorded `json:"audio,omitempty"`
	} `json:"content"`
}

type recorded struct {
	URL        string `json:"audio"`
	Transcript string `json:"transcript,omitempty"`
}

// words are texts with everything that JSON has to escape.
var words = rapid.StringOfN(rapid.OneOf(
	rapid.RuneFrom([]rune("aZ 字😀\"\\/{}[]\n\t\u0000\u2028<&")), rapid.Rune()), 0, 40, -1)

var label = rapid.StringN(0, 20, 200)

var sayings = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) saying {
	var s saying
	s.Branch, s.Component, s.Content.Text = label.Draw(t, "branch"), label.Draw(t, "component"), words.Draw(t, "text")
	for range rapid.IntRange(0, 2).Draw(t, "recordings") {
		format := rapid.SampledFrom([]string{"mp3", "wav"}).Draw(t, "format")
		s.Content.Audio = append(s.Content.Audio, recorded{
			URL:        fmt.Sprintf("https://cdn.example/%d.%s?sig=%%2F", rapid.Int().Draw(t, "name"), format),
			Transcript: words.Draw(t, "transcript"),
		})
	}
	return s
}), 1, 6)

// TestRoundTrip: what a v2 webhook says arrives as parts unchanged, and, composed into a v2 message for another agent, reads
// back the same, as far as messages carry it: they have neither branches nor transcripts.
func TestRoundTrip(t *testing.T) {
	a := configured(t, agent("https://api-sg.gptbots.ai"), nil)
	rapid.Check(t, func(t *rapid.T) {
		said := sayings.Draw(t, "output")
		body, err := json.Marshal(map[string]any{"message_id": "m1", "conversation_id": "c1", "create_time": 1679587005, "output": said})
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Receive(t.Context(), request(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		e := got.Envelopes[0]
		want := expected(said)
		if diff := cmp.Diff(want, e.Parts); diff != "" {
			t.Fatalf("parts (-want +got):\n%s", diff)
		}
		if len(want) == 0 {
			return
		}
		q, err := a.channel("faq").compose(&sdk.Delivery{Thread: "c1", Envelope: e})
		if err != nil || q.degraded != "" {
			t.Fatalf("degraded %q, %v", q.degraded, err)
		}
		sent, err := json.Marshal(q.body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(carried(want), readBack(t, sent)); diff != "" {
			t.Fatalf("message (-want +got):\n%s", diff)
		}
	})
}

// expected is what a v2 body says, as parts.
func expected(said []saying) []envelope.Part {
	var parts []envelope.Part
	add := func(s saying, p envelope.Part) {
		for name, value := range map[string]string{"branch": s.Branch, "component": s.Component} {
			if value != "" {
				if p.Attributes == nil {
					p.Attributes = map[string]string{}
				}
				p.Attributes[name] = value
			}
		}
		parts = append(parts, p)
	}
	for _, s := range said {
		if s.Content.Text != "" {
			add(s, envelope.Part{Type: "text", Text: s.Content.Text})
		}
		for _, r := range s.Content.Audio {
			add(s, envelope.Part{Type: "audio", URL: r.URL, Text: r.Transcript})
		}
	}
	return parts
}

// carried is what a message carries of parts: texts, and recordings by their links. Texts alone are one text.
func carried(parts []envelope.Part) []string {
	var all, texts []string
	for _, p := range parts {
		if p.Type == "text" {
			texts = append(texts, p.Text)
			all = append(all, "text "+p.Text)
			continue
		}
		all = append(all, "audio "+p.URL)
	}
	if len(texts) == len(parts) {
		return []string{"text " + strings.Join(texts, "\n")}
	}
	return all
}

// readBack reads the newest message of a v2 request, as the vendor would.
func readBack(t *rapid.T, body []byte) []string {
	var sent struct {
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(body, &sent); err != nil || len(sent.Messages) != 1 || sent.Messages[0].Role != "user" {
		t.Fatalf("%s: %v", body, err)
	}
	content := sent.Messages[0].Content
	var text string
	if json.Unmarshal(content, &text) == nil {
		return []string{"text " + text}
	}
	var items []struct {
		Type, Text string
		Audio      []struct{ URL, Format string }
	}
	if err := json.Unmarshal(content, &items); err != nil {
		t.Fatalf("%s: %v", content, err)
	}
	var out []string
	for _, item := range items {
		switch {
		case item.Type == "text" && item.Text != "" && item.Audio == nil:
			out = append(out, "text "+item.Text)
		case item.Type == "audio" && len(item.Audio) == 1 && strings.Contains(item.Audio[0].URL, "."+item.Audio[0].Format+"?"):
			out = append(out, "audio "+item.Audio[0].URL)
		default:
			t.Fatalf("unexpected item in %s", content)
		}
	}
	return out
}
