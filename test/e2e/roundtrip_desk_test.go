package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
)

// deskText is the most that the desk takes of a text, in bytes of UTF-8.
const deskText = 1024

// pieced returns when the agent has seen more than the first from lines of the customer's, which must be exactly said: each text
// in pieces that the desk takes, cut between characters, and that joined are the text.
func (s *system) expectPieces(t *rapid.T, chat string, from int, said []string) {
	t.Helper()
	total := len(strings.Join(said, ""))
	var lines []string
	err := s.Desk.Wait(soon(t), func([]aicc.Event) bool {
		lines = nil
		c, _ := s.Desk.Chat(chat)
		for _, l := range c.Lines {
			if l.From == "customer" {
				lines = append(lines, l.Text)
			}
		}
		lines = lines[min(from, len(lines)):]
		return len(strings.Join(lines, "")) >= total
	})
	if err != nil {
		t.Fatalf("the agent does not see it all: %v; sees %.200q of %.200q", err, lines, said)
	}
	for _, l := range lines {
		if len(l) > deskText || !utf8.ValidString(l) {
			t.Fatalf("a piece has %d bytes, or a torn character: %.80q", len(l), l)
		}
	}
	for _, want := range said {
		got := ""
		for len(got) < len(want) {
			got, lines = got+lines[0], lines[1:]
		}
		expectEqual(t, "what the agent reads", []string{want}, []string{got})
	}
	if len(lines) > 0 {
		t.Fatalf("the agent sees more than was said: %.200q", lines)
	}
}

// TestWordsBetweenCustomerAndAgent arrive unchanged both ways, pushed and polled.
func TestWordsBetweenCustomerAndAgent(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]struct {
		o        aicc.Options
		settings []string
	}{
		"pushed": {},
		"polled": {aicc.Options{PushOff: true}, polling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDeskSystem(t, way.o, way.settings...)
			const user = "ada"
			s.connectAgent(t, user)
			rapid.Check(t, func(t *rapid.T) {
				said, told := distinctTexts.Draw(t, "customer"), distinctTexts.Draw(t, "agent")
				heard, seen := len(s.answersFrom(user, "agent")), len(s.deskTexts(user))
				for _, words := range said {
					s.mustSay(t, user, words)
				}
				for _, words := range told {
					if _, err := s.Desk.Say(deskID(user), words); err != nil {
						t.Fatal(err)
					}
				}
				s.expectPieces(t, deskID(user), seen, said)
				expectEqual(t, "what the customer hears", told, textsOf(s.awaitAnswers(t, user, "agent", heard+len(told)))[heard:])
			})
			s.expectNoProblems(t)
		})
	}
}

// saidBy is what a customer got from role so far.
func (s *system) answersFrom(user, role string) []native.Answer {
	var out []native.Answer
	for _, a := range s.Livechat.Received(user) {
		if a.Payload.Sender.Role == role {
			out = append(out, a)
		}
	}
	return out
}

// TestPlacesAndSuggestionsOfAnAgent: a place becomes words that say where it is, similar questions become suggestions.
func TestPlacesAndSuggestionsOfAnAgent(t *testing.T) {
	t.Parallel()
	s := newDeskSystem(t, aicc.Options{})
	const user = "lou"
	s.connectAgent(t, user)
	coordinate := func(limit float64) *rapid.Generator[float64] { return rapid.Float64Range(-limit, limit) }
	rapid.Check(t, func(t *rapid.T) {
		heard := len(s.answersFrom(user, "agent"))
		latitude, longitude := coordinate(90).Draw(t, "latitude"), coordinate(180).Draw(t, "longitude")
		where := strings.TrimSpace(rapid.OneOf(anyText, rapid.Just("Main St 1/2/rear"), rapid.Just("")).Filter(fitsDeskMessage).Draw(t, "where"))
		questions := rapid.SliceOfNDistinct(anyText.Filter(fitsDeskMessage), 1, 5, rapid.ID[string]).Draw(t, "questions")
		content := fmt.Sprintf("%s/%s/%s", strconv.FormatFloat(latitude, 'f', -1, 64), strconv.FormatFloat(longitude, 'f', -1, 64), where)
		if _, err := s.Desk.SayMedia(deskID(user), "LOCATE", content); err != nil {
			t.Fatal(err)
		}
		list, err := json.Marshal(questions)
		if err != nil {
			t.Fatal(err)
		}
		m := s.Desk.Message(deskID(user), "AGENT", "CHAT", "TEXT", "Did you mean")
		similar, code := string(list), "similar-"+strconv.Itoa(heard)
		m.SimQuestions, m.MessageCode = &similar, &code
		if err := s.Desk.Push(m); err != nil {
			t.Fatal(err)
		}
		got := s.awaitAnswers(t, user, "agent", heard+2)[heard:]
		var at [2]float64
		words, ok := strings.CutPrefix(got[0].Payload.BotSay, "[location] ")
		place, description, _ := strings.Cut(words, " ")
		if n, err := fmt.Sscanf(place, "%g,%g", &at[0], &at[1]); !ok || err != nil || n != 2 || at != [2]float64{latitude, longitude} || description != where {
			t.Fatalf("%q came as %q", content, got[0].Payload.BotSay)
		}
		expectEqual(t, "suggestions", questions, got[1].Payload.Suggestions)
		expectEqual(t, "words beside them", []string{"Did you mean"}, textsOf(got[1:]))
	})
	s.expectNoProblems(t)
}

// short texts fit into one message of the desk.
func fitsDeskMessage(s string) bool { return len(s) <= deskText }

// TestWordsOverAHandoff: what was said before a hand-off, and what both sides say in it, arrives unchanged.
func TestWordsOverAHandoff(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t)
	rapid.Check(t, func(t *rapid.T) {
		var before []botwebhook.Line
		var transcript []string
		for i, words := range rapid.SliceOfN(anyText.Filter(func(s string) bool { return len(s) <= 3000 }), 1, 4).Draw(t, "before") {
			before = append(before, botwebhook.Line{Type: []string{"QUESTION", "ANSWER"}[i%2], Text: words})
			transcript = append(transcript, []string{"Customer: ", "Assistant: "}[i%2]+words)
		}
		user, said, told := anyCustomer.Draw(t, "user"), distinctTexts.Draw(t, "customer"), distinctTexts.Draw(t, "agent")
		h, err := s.Bots.Handoff(soon(t), botwebhook.User{UserID: user, Said: before})
		if err != nil {
			t.Fatal(err)
		}
		var chat string
		if err := s.Desk.Wait(soon(t), func([]aicc.Event) bool {
			for _, c := range s.Desk.Waiting() {
				chat = c.User
			}
			return chat != ""
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Desk.Accept(chat, "Kim"); err != nil {
			t.Fatal(err)
		}
		for _, words := range told {
			if _, err := s.Desk.Say(chat, words); err != nil {
				t.Fatal(err)
			}
		}
		for _, words := range said {
			if out, err := h.Say(soon(t), words); err != nil || !out.Accepted {
				t.Fatalf("say %.80q: %+v, %v", words, out, err)
			}
		}
		s.expectPieces(t, chat, 0, append([]string{strings.Join(transcript, "\n")}, said...))
		want := append([]string{noticeLooking}, told...)
		var heard []string
		if err := h.Heard.Wait(soon(t), func(all []botwebhook.Heard) bool {
			heard = nil
			for _, m := range all {
				heard = append(heard, m.Text)
			}
			return len(heard) >= len(want)
		}); err != nil {
			t.Fatalf("the customer hears %.200q: %v", heard, err)
		}
		expectEqual(t, "what the customer hears", want, heard)
		if err := s.Desk.Hangup(chat); err != nil {
			t.Fatal(err)
		}
		if end, err := h.Wait(soon(t)); err != nil || end != botwebhook.ByAgent {
			t.Fatalf("the hand-off ended as %q, %v", end, err)
		}
	})
	s.expectNoProblems(t)
}

// TestWordsThroughAChain of two gateways arrive unchanged, with what the website sent along.
func TestWordsThroughAChain(t *testing.T) {
	t.Parallel()
	near, far := newChain(t)
	rapid.Check(t, func(t *rapid.T) {
		user := anyCustomer.Draw(t, "user")
		said := rapid.SliceOfNDistinct(anyText.Filter(belowMax), 1, 3, rapid.ID[string]).Draw(t, "said")
		data := rapid.StringN(1, 255, -1).Draw(t, "data")
		var want []string
		for _, words := range said {
			near.mustSay(t, user, words, native.WithData(data))
			want = append(want, botwebhook.Greeter(botwebhook.Conversation{}, []botwebhook.Message{{Role: "user", Text: words}})[0].Text)
		}
		answers := near.awaitAnswers(t, user, "bot", len(said))
		expectEqual(t, "what the customer hears", want, textsOf(answers))
		for _, a := range answers {
			var custom struct{ Data string }
			if a.Payload.UserData == nil || json.Unmarshal(a.Payload.UserData.CustomPayload, &custom) != nil || custom.Data != data {
				t.Fatalf("customPayload came back as %+v, want data %q", a.Payload.UserData, data)
			}
		}
	})
	near.expectNoProblems(t)
	far.expectNoProblems(t)
}
