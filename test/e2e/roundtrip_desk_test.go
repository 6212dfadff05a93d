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

// deskText is the maximum size of a text at the desk in bytes.
const deskText = 1024

// expectPieces waits for the texts at the desk, after the customer's first from lines. Each text may be split into
// pieces that the desk accepts.
func (s *system) expectPieces(t *rapid.T, chat string, from int, texts []string) {
	t.Helper()
	total := len(strings.Join(texts, ""))
	var lines []string
	err := s.Desk.Events.Wait(testContext(t), func([]aicc.Event) bool {
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
		t.Fatalf("texts are missing at the desk: %v; got %.200q of %.200q", err, lines, texts)
	}
	for _, l := range lines {
		if len(l) > deskText || !utf8.ValidString(l) {
			t.Fatalf("a piece has %d bytes or an incomplete character: %.80q", len(l), l)
		}
	}
	for _, want := range texts {
		got := ""
		for len(got) < len(want) {
			got, lines = got+lines[0], lines[1:]
		}
		expectEqual(t, "text at the desk", []string{want}, []string{got})
	}
	if len(lines) > 0 {
		t.Fatalf("additional texts at the desk: %.200q", lines)
	}
}

func TestTextsBetweenCustomerAndAgentArriveUnchanged(t *testing.T) {
	t.Parallel()
	for name, variant := range map[string]struct {
		o        aicc.Options
		settings []string
	}{
		"pushed": {},
		"polled": {aicc.Options{PushOff: true}, polling},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDeskSystem(t, variant.o, variant.settings...)
			const user = "ada"
			s.connectAgent(t, user)
			rapid.Check(t, func(t *rapid.T) {
				customer, agent := distinctTexts.Draw(t, "customer"), distinctTexts.Draw(t, "agent")
				answers, lines := len(s.answersFrom(user, "agent")), len(s.deskTexts(user))
				for _, text := range customer {
					s.mustSay(t, user, text)
				}
				for _, text := range agent {
					if _, err := s.Desk.Say(deskID(user), text); err != nil {
						t.Fatal(err)
					}
				}
				s.expectPieces(t, deskID(user), lines, customer)
				got := s.awaitAnswers(t, user, "agent", answers+len(agent))
				expectEqual(t, "texts of the agent", agent, textsOf(got)[answers:])
			})
			s.expectNoProblems(t)
		})
	}
}

// answersFrom returns a customer's answers from role.
func (s *system) answersFrom(user, role string) []native.Answer {
	var out []native.Answer
	for _, a := range s.Livechat.AllAnswers(user) {
		if a.Payload.Sender.Role == role {
			out = append(out, a)
		}
	}
	return out
}

// A location is delivered as a text, similar questions are delivered as suggestions.
func TestLocationsAndSimilarQuestionsOfAnAgentArrive(t *testing.T) {
	t.Parallel()
	s := newDeskSystem(t, aicc.Options{})
	const user = "lou"
	s.connectAgent(t, user)
	coordinate := func(limit float64) *rapid.Generator[float64] { return rapid.Float64Range(-limit, limit) }
	rapid.Check(t, func(t *rapid.T) {
		answers := len(s.answersFrom(user, "agent"))
		latitude, longitude := coordinate(90).Draw(t, "latitude"), coordinate(180).Draw(t, "longitude")
		anyAddress := rapid.OneOf(anyText, rapid.Just("Main St 1/2/rear"), rapid.Just("")).Filter(fitsDeskMessage)
		address := strings.TrimSpace(anyAddress.Draw(t, "address"))
		questions := rapid.SliceOfNDistinct(anyText.Filter(fitsDeskMessage), 1, 5, rapid.ID[string]).Draw(t, "questions")
		decimal := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
		content := fmt.Sprintf("%s/%s/%s", decimal(latitude), decimal(longitude), address)
		if _, err := s.Desk.SayMedia(deskID(user), "LOCATE", content); err != nil {
			t.Fatal(err)
		}
		list, err := json.Marshal(questions)
		if err != nil {
			t.Fatal(err)
		}
		m := s.Desk.Message(deskID(user), "AGENT", "CHAT", "TEXT", "Did you mean")
		similar, code := string(list), "similar-"+strconv.Itoa(answers)
		m.SimQuestions, m.MessageCode = &similar, &code
		if err := s.Desk.Push(m); err != nil {
			t.Fatal(err)
		}
		got := s.awaitAnswers(t, user, "agent", answers+2)[answers:]
		var at [2]float64
		location, ok := strings.CutPrefix(got[0].Payload.BotSay, "[location] ")
		coordinates, description, _ := strings.Cut(location, " ")
		n, err := fmt.Sscanf(coordinates, "%g,%g", &at[0], &at[1])
		if !ok || err != nil || n != 2 || at != [2]float64{latitude, longitude} || description != address {
			t.Fatalf("%q arrived as %q", content, got[0].Payload.BotSay)
		}
		expectEqual(t, "suggestions", questions, got[1].Payload.Suggestions)
		expectEqual(t, "text of the suggestions", []string{"Did you mean"}, textsOf(got[1:]))
	})
	s.expectNoProblems(t)
}

// fitsDeskMessage reports whether a text fits into one message of the desk.
func fitsDeskMessage(s string) bool { return len(s) <= deskText }

func TestTextsOfAHandoffArriveUnchanged(t *testing.T) {
	t.Parallel()
	s := newHandoffSystem(t)
	rapid.Check(t, func(t *rapid.T) {
		var before []botwebhook.Line
		var transcript []string
		earlier := anyText.Filter(func(s string) bool { return len(s) <= 3000 })
		for i, text := range rapid.SliceOfN(earlier, 1, 4).Draw(t, "before") {
			before = append(before, botwebhook.Line{Type: []string{"QUESTION", "ANSWER"}[i%2], Text: text})
			transcript = append(transcript, []string{"Customer: ", "Assistant: "}[i%2]+text)
		}
		user := anyCustomer.Draw(t, "user")
		customer, agent := distinctTexts.Draw(t, "customer"), distinctTexts.Draw(t, "agent")
		h, err := s.Bots.Handoff(testContext(t), botwebhook.User{UserID: user, Dialogue: before})
		if err != nil {
			t.Fatal(err)
		}
		var chat string
		if err := s.Desk.Events.Wait(testContext(t), func([]aicc.Event) bool {
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
		for _, text := range agent {
			if _, err := s.Desk.Say(chat, text); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range customer {
			if out, err := h.Say(testContext(t), text); err != nil || !out.Accepted {
				t.Fatalf("say %.80q: %+v, %v", text, out, err)
			}
		}
		s.expectPieces(t, chat, 0, append([]string{strings.Join(transcript, "\n")}, customer...))
		want := append([]string{noticeLooking}, agent...)
		err = h.AgentMessages.Wait(testContext(t), func(all []botwebhook.AgentMessage) bool { return len(all) >= len(want) })
		if err != nil {
			t.Fatalf("the customer got %.200q: %v", agentTexts(h), err)
		}
		expectEqual(t, "texts for the customer", want, agentTexts(h))
		if err := s.Desk.Hangup(chat); err != nil {
			t.Fatal(err)
		}
		if end, err := h.Wait(testContext(t)); err != nil || end != botwebhook.ByAgent {
			t.Fatalf("the hand-off ended with %q, %v; want %q", end, err, botwebhook.ByAgent)
		}
	})
	s.expectNoProblems(t)
}

func TestTextsThroughTwoGatewaysArriveUnchanged(t *testing.T) {
	t.Parallel()
	near, far := newChain(t)
	rapid.Check(t, func(t *rapid.T) {
		user := anyCustomer.Draw(t, "user")
		questions := rapid.SliceOfNDistinct(anyText.Filter(belowMax), 1, 3, rapid.ID[string]).Draw(t, "questions")
		data := rapid.StringN(1, 255, -1).Draw(t, "data")
		var want []string
		for _, text := range questions {
			near.mustSay(t, user, text, native.WithData(data))
			question := []botwebhook.Message{{Role: "user", Text: text}}
			want = append(want, botwebhook.GreetOrRepeat(botwebhook.Conversation{}, question)[0].Text)
		}
		answers := near.awaitAnswers(t, user, "bot", len(questions))
		expectEqual(t, "answers", want, textsOf(answers))
		for _, a := range answers {
			var custom struct{ Data string }
			returned := a.Payload.UserData
			if returned == nil || json.Unmarshal(returned.CustomPayload, &custom) != nil || custom.Data != data {
				t.Fatalf("customPayload returned as %+v, want data %q", returned, data)
			}
		}
	})
	near.expectNoProblems(t)
	far.expectNoProblems(t)
}
