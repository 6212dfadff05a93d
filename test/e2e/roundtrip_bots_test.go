package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/test/harness"
)

// anyLabel generates names of branches and components of a flow.
var anyLabel = rapid.StringN(0, 12, 200)

// anyItems generates the outputs of a bot's answer: one to six, with different texts.
var anyItems = rapid.Custom(func(t *rapid.T) []botwebhook.Item {
	items := make([]botwebhook.Item, rapid.IntRange(1, 6).Draw(t, "items"))
	for i := range items {
		text := anyText.Filter(belowMax).Draw(t, "text")
		items[i] = botwebhook.Item{
			Text: fmt.Sprintf("%d:%s", i, text), Branch: anyLabel.Draw(t, "branch"), Component: anyLabel.Draw(t, "component"),
		}
	}
	return items
})

func TestEachOutputOfAFlowArrives(t *testing.T) {
	t.Parallel()
	for name, mode := range botModes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := make(chan []botwebhook.Item, 1)
			answer := func(botwebhook.Conversation, []botwebhook.Message) []botwebhook.Answer {
				items := <-answers
				first := items[0]
				return []botwebhook.Answer{{Text: first.Text, Branch: first.Branch, Component: first.Component, Items: items[1:]}}
			}
			s := newSystem(t, harness.Vendors{Bots: botwebhook.Options{Form: mode.form, Stream: mode.stream, Answer: answer}},
				withoutRules(map[string][]string{"faq": mode.settings}))
			rapid.Check(t, func(t *rapid.T) {
				user, items := anyCustomer.Draw(t, "user"), anyItems.Draw(t, "answer")
				var want []string
				for _, i := range items {
					want = append(want, i.Text)
				}
				answers <- items
				s.mustSay(t, user, "and?")
				expectEqual(t, "texts of the answer", []string{strings.Join(want, "\n")}, textsOf(s.awaitAnswers(t, user, "bot", 1)))
			})
			s.expectNoProblems(t)
		})
	}
}

// A recording without a link is delivered as its transcript.
func TestRecordingsArriveWithTheirTranscripts(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"webhook, v2 body", "blocking", "streaming"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			answers := make(chan botwebhook.Answer, 1)
			answer := func(botwebhook.Conversation, []botwebhook.Message) []botwebhook.Answer {
				return []botwebhook.Answer{<-answers}
			}
			s := newSystem(t, harness.Vendors{Bots: botwebhook.Options{Form: botModes[mode].form, Answer: answer}},
				withoutRules(map[string][]string{"faq": botModes[mode].settings}))
			streaming := strings.HasPrefix(mode, "streaming")
			rapid.Check(t, func(t *rapid.T) {
				user, text := anyCustomer.Draw(t, "user"), anyText.Filter(belowMax).Draw(t, "text")
				transcript, sound := anyText.Filter(belowMax).Draw(t, "transcript"), anyRecording.Draw(t, "sound")
				a := botwebhook.Answer{Text: "1:" + text, Audio: []botwebhook.Audio{{Transcript: "2:" + transcript, Seconds: 3}}}
				want := []string{a.Text}
				if streaming {
					a.Audio[0].Data = sound.data
					want[0] += "\n2:" + transcript
				} else {
					a.Audio[0].URL = s.LivechatURL() + s.Livechat.AddFile("sound.mp3", "audio/mpeg", sound.data)
				}
				answers <- a
				s.mustSay(t, user, "and?")
				got := s.awaitAnswers(t, user, "bot", 1)
				expectEqual(t, "texts of the answer", want, textsOf(got))
				if !streaming {
					file := s.expectFile(t, got[0], sound.data)
					if file.Type != "audio" || file.Text != "2:"+transcript {
						t.Fatalf("the recording arrived as %s with the text %.80q, want audio with %.80q", file.Type, file.Text, transcript)
					}
				}
			})
			s.expectNoProblems(t)
		})
	}
}

func TestCustomDataOfTheWebsiteIsReturned(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, withoutRules(nil))
	rapid.Check(t, func(t *rapid.T) {
		user := anyCustomer.Draw(t, "user")
		agents := rapid.SliceOfN(rapid.StringN(0, 30, 300), 1, 5).Draw(t, "agents")
		fitsAttribute := func(m map[string]any) bool { return len(mustMarshal(m)) <= 4000 }
		payload := anyObject(2).Filter(fitsAttribute).Draw(t, "payload")
		custom := mustMarshal(payload)
		if rapid.Bool().Draw(t, "indented") {
			var indented bytes.Buffer
			if err := json.Indent(&indented, custom, "", " \t"); err == nil && indented.Len() <= 4000 {
				custom = indented.Bytes()
			}
		}
		body := mustMarshal(map[string]any{
			"userId": user, "accessToken": s.Secrets.AccessToken, "payload": map[string]any{
				"userSay": "hello", "userInfo": map[string]any{"id": user},
				"userData": map[string]any{"targetAgents": agents, "customPayload": json.RawMessage(custom)},
			},
		})
		s.mustSay(t, user, "", func(m *native.Message) { m.Body = body })
		got := s.awaitAnswers(t, user, "bot", 1)[0].Payload.UserData
		if got == nil {
			t.Fatal("no user data returned")
		}
		expectEqual(t, "targetAgents", agents, got.TargetAgents)
		if diff := cmp.Diff(decodeNumbers(t, custom), decodeNumbers(t, got.CustomPayload)); diff != "" {
			t.Fatalf("customPayload (-want +got):\n%s", diff)
		}
	})
	s.expectNoProblems(t)
}

// anyObject generates JSON objects. A member data is a text of at most 255 characters.
func anyObject(depth int) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		values := []*rapid.Generator[any]{
			rapid.SampledFrom([]any{nil, true, false, json.Number("0"), json.Number("-0"), json.Number("1e400"),
				json.Number("12345678901234567890"), json.Number("0.1"), json.Number("1.0"), "", []any{}, map[string]any{}}),
			rapid.Custom(func(t *rapid.T) any { return rapid.StringN(0, 40, 200).Draw(t, "string") }),
			rapid.Custom(func(t *rapid.T) any { return rapid.SampledFrom(awkwardTexts).Draw(t, "awkward") }),
		}
		if depth > 0 {
			values = append(values, rapid.Custom(func(t *rapid.T) any { return anyObject(depth-1).Draw(t, "object") }),
				rapid.Custom(func(t *rapid.T) any {
					return rapid.SliceOfN(rapid.OneOf(values[:2]...), 0, 3).Draw(t, "array")
				}))
		}
		m := rapid.MapOfN(rapid.StringN(0, 12, 60), rapid.OneOf(values...), 0, 5).Draw(t, "members")
		delete(m, "data")
		if rapid.Bool().Draw(t, "has data") {
			m["data"] = rapid.StringN(0, 255, -1).Draw(t, "data")
		}
		return m
	})
}

func mustMarshal(m map[string]any) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // the generated values can be encoded
	}
	return b
}

// decodeNumbers decodes JSON. Numbers keep all digits.
func decodeNumbers(t *rapid.T, raw []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}
