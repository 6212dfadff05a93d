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

// outputItem is one output item of v2.
type outputItem struct {
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

// texts generates texts with characters that JSON escapes.
var texts = rapid.StringOfN(rapid.OneOf(
	rapid.RuneFrom([]rune("aZ 字😀\"\\/{}[]\n\t\u0000\u2028<&")), rapid.Rune()), 0, 40, -1)

var label = rapid.StringN(0, 20, 200)

var outputs = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) outputItem {
	var s outputItem
	s.Branch, s.Component, s.Content.Text = label.Draw(t, "branch"), label.Draw(t, "component"), texts.Draw(t, "text")
	for range rapid.IntRange(0, 2).Draw(t, "recordings") {
		format := rapid.SampledFrom([]string{"mp3", "wav"}).Draw(t, "format")
		s.Content.Audio = append(s.Content.Audio, recorded{
			URL:        fmt.Sprintf("https://cdn.example/%d.%s?sig=%%2F", rapid.Int().Draw(t, "name"), format),
			Transcript: texts.Draw(t, "transcript"),
		})
	}
	return s
}), 1, 6)

// An output of v2 becomes parts without a change. Sent to another bot, the parts become an equivalent message without
// branches and transcripts.
func TestOutputBecomesAnEquivalentMessage(t *testing.T) {
	a := configured(t, botJSON("https://api-sg.gptbots.ai"), nil)
	rapid.Check(t, func(t *rapid.T) {
		output := outputs.Draw(t, "output")
		body, err := json.Marshal(map[string]any{"message_id": "m1", "conversation_id": "c1", "create_time": 1679587005, "output": output})
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Receive(t.Context(), request(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		e := got.Envelopes[0]
		want := expected(output)
		if diff := cmp.Diff(want, e.Parts); diff != "" {
			t.Fatalf("parts (-want +got):\n%s", diff)
		}
		if len(want) == 0 {
			return
		}
		q, err := a.channel("faq").encodeMessage(&sdk.Delivery{Thread: "c1", Envelope: e})
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

// expected returns the parts for an output.
func expected(output []outputItem) []envelope.Part {
	var parts []envelope.Part
	add := func(s outputItem, p envelope.Part) {
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
	for _, s := range output {
		if s.Content.Text != "" {
			add(s, envelope.Part{Type: "text", Text: s.Content.Text})
		}
		for _, r := range s.Content.Audio {
			add(s, envelope.Part{Type: "audio", URL: r.URL, Text: r.Transcript})
		}
	}
	return parts
}

// carried returns the expected contents of a message with these parts: texts, which are joined, and links to
// recordings.
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

// readBack returns the contents of the newest message of a v2 request.
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
