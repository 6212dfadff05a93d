package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/aicc"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// trouble is one thing that goes wrong with one call, and how often the call has its effect then.
type faultCase struct {
	name    string
	fault   simulator.Fault
	effects []int // what may be counted
	dead    bool  // the delivery is given up
}

var (
	one      = []int{1}
	two      = []int{2}    // the answer was lost, and nobody can tell the repeat
	oneOrTwo = []int{1, 2} // whether the answer counts as one is up to the adapter
	none     = []int{0}
)

// throttled is how long vendors want to be left alone.
const retryAfter = time.Second

// before are the troubles that come before the call has an effect: it is repeated.
var faultsBefore = []faultCase{
	{"429 with Retry-After", simulator.Fault{Kind: simulator.Status, Status: http.StatusTooManyRequests, RetryAfter: retryAfter}, one, false},
	{"500", simulator.Fault{Kind: simulator.Status}, one, false},
	{"503 with Retry-After", simulator.Fault{Kind: simulator.Status, Status: http.StatusServiceUnavailable, RetryAfter: retryAfter}, one, false},
	{"slow", simulator.Fault{Kind: simulator.Slow, Delay: 300 * time.Millisecond}, one, false},
	{"hangs", simulator.Fault{Kind: simulator.Hang}, one, false},
	{"reset", simulator.Fault{Kind: simulator.Reset}, one, false},
}

// after are the troubles that come after the effect.
func faultsAfter(lost, unreadable []int) []faultCase {
	return []faultCase{
		{"answer lost", simulator.Fault{Kind: simulator.Drop}, lost, false},
		{"answer cut off", simulator.Fault{Kind: simulator.Truncate}, unreadable, false},
		{"answer of the wrong type", simulator.Fault{Kind: simulator.ContentType}, oneOrTwo, false},
		{"huge answer", simulator.Fault{Kind: simulator.Huge}, unreadable, false},
	}
}

// expired is a token that the vendor does not take any more.
var expired = faultCase{"expired token", simulator.Fault{Kind: simulator.ExpiredToken}, one, false}

// hurry gives up calls soon.
var shortTimeout = []string{"delivery: {timeout: 2s}"}

// endure meets each trouble with words of its own, and then says something else. Words have their effect as often as the trouble says,
// what comes behind them once, and behind them.
func (s *system) checkFaults(t *testing.T, faults *simulator.Faults, endpoint, channel string, troubles []faultCase, say func(text string), seen func() []string) {
	t.Helper()
	dead := func() float64 { return s.Metric(t, "patchbay_dead_letters_total", "channel", channel) }
	for i, tr := range troubles {
		words, next := fmt.Sprintf("words %d", i), fmt.Sprintf("next %d", i)
		f, hits, was, began := tr.fault, faults.Hits.Len(), dead(), time.Now()
		f.Endpoint, f.Count = endpoint, 1
		faults.Add(f)
		say(words)
		say(next)
		harness.Eventually(t, harness.Patience, tr.name+": what comes behind it", func() string {
			if !slices.Contains(seen(), next) {
				return fmt.Sprintf("seen are %q", seen())
			}
			return ""
		})
		all := seen()
		n := len(slices.DeleteFunc(slices.Clone(all), func(w string) bool { return w != words }))
		if !slices.Contains(tr.effects, n) {
			t.Errorf("%s: %q has its effect %d times, want %v", tr.name, words, n, tr.effects)
		}
		for at, w := range all {
			if w == words && at > slices.Index(all, next) {
				t.Errorf("%s: %q came behind %q", tr.name, words, next)
			}
		}
		if n := faults.Hits.Len() - hits; n != 1 {
			t.Errorf("%s: it happened %d times, want once", tr.name, n)
		}
		if waited := time.Since(began); waited < tr.fault.RetryAfter {
			t.Errorf("%s: all was done after %s, want not before the %s that the vendor wanted", tr.name, waited, tr.fault.RetryAfter)
		}
		if tr.dead {
			was++
		}
		harness.Eventually(t, harness.Patience, tr.name+": what is given up is counted", func() string {
			if n := dead(); n != was {
				return fmt.Sprintf("%v dead letters, want %v", n, was)
			}
			return ""
		})
		faults.Release()
	}
}

// TestUploadsUnderFaults: a picture of the customer's reaches the agent once, whatever happens to its upload: what is uploaded again has
// no effect of its own.
func TestUploadsUnderFaults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Extra: map[string][]string{"desk": shortTimeout}})
	const user = "uma"
	s.connectAgent(t, user)
	troubles := slices.Concat(faultsBefore, faultsAfter(one, one), []faultCase{expired})
	s.checkFaults(t, &s.Desk.Faults, aicc.EndpointUpload, "desk", troubles, func(text string) {
		if strings.HasPrefix(text, "words") {
			s.say(t, user, "", s.withImage("map.png", "image/png", append(randomImage(t, 8), text...)))
			return
		}
		s.say(t, user, text)
	}, func() []string {
		var out []string
		c, _ := s.Desk.Chat(deskID(user))
		for _, l := range c.Lines {
			f, _ := s.Desk.File(l.File)
			at := strings.LastIndex(string(f.Content), "words")
			switch {
			case l.From != "customer":
			case l.File != "" && at >= 0:
				out = append(out, string(f.Content[at:]))
			default:
				out = append(out, l.Text)
			}
		}
		return out
	})
}

// TestDownloadsUnderFaults: a picture of the agent's reaches the customer once, whatever happens to its download.
func TestDownloadsUnderFaults(t *testing.T) {
	t.Parallel()
	for _, links := range []aicc.FileLinks{aicc.FileStreamOnly, aicc.FileLinkOnly} {
		endpoint := map[aicc.FileLinks]string{aicc.FileStreamOnly: aicc.EndpointDownload, aicc.FileLinkOnly: aicc.EndpointFile}[links]
		t.Run(endpoint, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{Desk: aicc.Options{FileLinks: links}}, harness.Config{Extra: map[string][]string{"desk": shortTimeout}})
			const user = "dora"
			s.connectAgent(t, user)
			troubles := append(slices.DeleteFunc(slices.Clone(faultsBefore), func(tr faultCase) bool { return tr.fault.Kind == simulator.Hang }),
				faultCase{"answer lost", simulator.Fault{Kind: simulator.Drop}, one, false},
				faultCase{"answer cut off", simulator.Fault{Kind: simulator.Truncate}, one, false},
				faultCase{"answer of the wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false})
			if endpoint == aicc.EndpointDownload {
				troubles = append(troubles, expired, faultCase{"large answer", simulator.Fault{Kind: simulator.Huge, Bytes: 100 << 10}, one, false},
					faultCase{"huge answer", simulator.Fault{Kind: simulator.Huge}, none, false}) // more than a file may have: put into words
			}
			pictures := map[string]string{}
			s.checkFaults(t, &s.Desk.Faults, endpoint, "livechat", troubles, func(text string) {
				if !strings.HasPrefix(text, "words") {
					s.agentSays(t, user, text)
					return
				}
				if _, err := s.Desk.SendFile(deskID(user), "IMAGE", "png", append(randomImage(t, 8), text...)); err != nil {
					t.Fatal(err)
				}
			}, func() []string {
				var out []string
				for _, a := range s.answersFrom(user, "agent") {
					if len(a.Payload.Media) == 0 {
						out = append(out, a.Payload.BotSay)
						continue
					}
					link := a.Payload.Media[0].URL
					if pictures[link] == "" {
						got, err := s.Livechat.Download(harness.Soon(t), link)
						if err != nil {
							t.Fatal(err)
						}
						pictures[link] = string(got.Data[max(0, strings.LastIndex(string(got.Data), "words")):])
					}
					out = append(out, pictures[link])
				}
				return out
			})
		})
	}
}

// TestDownloadThatHangs holds up its own conversation, and nobody else.
func TestDownloadThatHangs(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{})
	s.connectAgent(t, "hal")
	s.connectAgent(t, "hugo")
	s.Desk.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: aicc.EndpointDownload, Count: 1})
	data := randomImage(t, 8)
	if _, err := s.Desk.SendFile(deskID("hal"), "IMAGE", "png", data); err != nil {
		t.Fatal(err)
	}
	s.agentSays(t, "hal", "see above")
	within(t, harness.Patience, "the download hangs", func(ctx context.Context) error {
		return s.Desk.Faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) == 1 })
	})
	s.agentSays(t, "hugo", "hello")
	s.expect(t, "hugo", "agent", "hello")
	if n := len(s.textsFrom("hal", "agent")); n != 1 {
		t.Errorf("%d lines, want what is behind the picture to wait for it", n)
	}
	s.Desk.Faults.Release()
	if _, got := s.awaitMedium(t, "hal"); !bytes.Equal(got.Data, data) {
		t.Errorf("got %d bytes, want %d", len(got.Data), len(data))
	}
	s.expect(t, "hal", "agent", "see above")
}

// TestMessagesLeftUnderFaults: what the customer leaves for later is left, whatever happens to the call; it is there twice only if an
// answer was lost.
func TestMessagesLeftUnderFaults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Extra: map[string][]string{"desk": shortTimeout}, Settings: map[string][]string{"desk": {"offline_messages: true"}},
	})
	const user = "lea"
	s.connectAgent(t, user)
	if err := s.Desk.TimeOut(deskID(user), true); err != nil {
		t.Fatal(err)
	}
	s.expect(t, user, "system", "No agent answered in time. You can leave a message.")
	s.checkFaults(t, &s.Desk.Faults, aicc.EndpointSendAsync, "desk", slices.Concat(faultsBefore, faultsAfter(two, oneOrTwo), []faultCase{expired}),
		func(text string) { s.say(t, user, text) }, func() []string { return s.deskTexts(user) })
}

// polledTroubles are what may happen to a poll. What happens before it has its effect costs nothing; an answer that is lost takes along
// what was in it, and nothing else, since the desk hands nothing out twice.
var pollFaults = append(slices.Clone(faultsBefore), expired,
	faultCase{"answer lost", simulator.Fault{Kind: simulator.Drop}, none, false},
	faultCase{"answer cut off", simulator.Fault{Kind: simulator.Truncate}, none, false},
	faultCase{"answer of the wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false},
	faultCase{"large answer", simulator.Fault{Kind: simulator.Huge, Bytes: 1 << 20}, one, false},
	faultCase{"huge answer", simulator.Fault{Kind: simulator.Huge}, none, false},
)

// TestPollsUnderFaults meets each trouble with a line in the poll that it happens to.
func TestPollsUnderFaults(t *testing.T) {
	t.Parallel()
	for i, tr := range pollFaults {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			s := newDeskSystem(t, aicc.Options{PushOff: true}, polling...)
			user := fmt.Sprintf("poll-%d", i)
			s.connectAgent(t, user)
			faults := &s.Desk.Faults
			// The first poll from now on fails without an effect, so that there is time to say something before the second.
			faults.Add(simulator.Fault{Kind: simulator.Status, Endpoint: aicc.EndpointPoll, Count: 1})
			f := tr.fault
			f.Endpoint, f.Count = aicc.EndpointPoll, 1
			faults.Add(f)
			s.agentSays(t, user, "words")
			if n := faults.Hits.Len(); n > 1 {
				t.Fatalf("%d polls were made before the agent had said anything", n)
			}
			within(t, harness.Patience, "it happens", func(ctx context.Context) error {
				return faults.Hits.Wait(ctx, func(all []simulator.Hit) bool { return len(all) == 2 })
			})
			faults.Release()
			for n := faults.Hits.Len(); n != 2; {
				t.Fatalf("%d faults, want 2", n)
			}
			began := time.Now()
			polls := s.Desk.Taken(aicc.EndpointPoll)
			harness.Eventually(t, harness.Patience, "another poll", func() string {
				if n := s.Desk.Taken(aicc.EndpointPoll); n <= polls {
					return fmt.Sprintf("%d polls", n)
				}
				return ""
			})
			if waited := time.Since(began); waited < tr.fault.RetryAfter-100*time.Millisecond {
				t.Errorf("polled again after %s, want not before the %s that the vendor wanted", waited, tr.fault.RetryAfter)
			}
			s.agentSays(t, user, "next")
			s.expect(t, user, "agent", "next")
			got := slices.DeleteFunc(s.textsFrom(user, "agent"), func(w string) bool { return w != "words" })
			if !slices.Contains(tr.effects, len(got)) {
				t.Errorf("the line came %d times, want %v", len(got), tr.effects)
			}
		})
	}
}

// impatientHandoff is newHandoff with calls that are given up soon.
func impatientHandoff(t *testing.T) *system {
	t.Helper()
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Without: []string{"livechat"},
		Define: map[string]string{"handoff": `
adapter: botwebhook
role: customer
owner: faq
allow: [127.0.0.0/8]
delivery: {timeout: 2s}
settings:
  base_url: ${env:GPTBOTS_URL}
  api_key: ${env:GPTBOTS_API_KEY}
  webhook_token: ${env:GPTBOTS_WEBHOOK_TOKEN}`},
		Routes: `
  - name: person-wanted
    event: handover_requested
    from: handoff
    say: One moment, I am looking for a colleague.
    offer: {to: desk, within: 60s, hold: true}
  - name: agent-left
    event: disconnected
    from: agent
    close: true
`,
	})
	s.Bots.SetHuman(s.Public + "/webhooks/botwebhook/handoff")
	return s
}

// handedOver brings a hand-off to an agent, and returns the agent's name for the customer.
func (s *system) connectHandoff(t *testing.T, user string) (h *botwebhook.Handoff, chat string) {
	t.Helper()
	h, err := s.Bots.Handoff(harness.Soon(t), botwebhook.User{UserID: user})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Desk.Wait(harness.Soon(t), func([]aicc.Event) bool {
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
	return h, chat
}

// TestHandoffRepliesUnderFaults: what a person says is heard, whatever happens to the call; twice only if an answer was lost.
func TestHandoffRepliesUnderFaults(t *testing.T) {
	t.Parallel()
	s := impatientHandoff(t)
	h, chat := s.connectHandoff(t, "u-1")
	heard := func() []string {
		var out []string
		for _, m := range h.Heard.All() {
			out = append(out, m.Text)
		}
		return out
	}
	s.checkFaults(t, &s.Bots.Faults, botwebhook.EndpointReceive, "handoff", slices.Concat(faultsBefore, faultsAfter(two, oneOrTwo)), func(text string) {
		if _, err := s.Desk.Say(chat, text); err != nil {
			t.Fatal(err)
		}
	}, heard)
}

// TestHandoffEndsUnderFaults: the desk's end is the hand-off's, whatever happens to the call, and one that is over already is no error.
func TestHandoffEndsUnderFaults(t *testing.T) {
	t.Parallel()
	s := impatientHandoff(t)
	for i, tr := range slices.Concat(faultsBefore, faultsAfter(one, one)) {
		h, chat := s.connectHandoff(t, fmt.Sprintf("u-%d", i))
		f := tr.fault
		f.Endpoint, f.Count = botwebhook.EndpointEnd, 1
		hits := s.Bots.Faults.Hits.Len()
		s.Bots.Faults.Add(f)
		if _, err := s.Desk.Say(chat, "Bye."); err != nil {
			t.Fatal(err)
		}
		if err := s.Desk.Hangup(chat); err != nil {
			t.Fatal(err)
		}
		if end, err := h.Wait(harness.Soon(t)); err != nil || end != botwebhook.ByAgent {
			t.Errorf("%s: the hand-off ended as %q, %v; want by the agent", tr.name, end, err)
		}
		s.expectNothingPending(t, h.ID)
		s.Bots.Faults.Release()
		if n := s.Bots.Faults.Hits.Len() - hits; n != 1 {
			t.Errorf("%s: it happened %d times, want once", tr.name, n)
		}
		if all := h.Heard.All(); len(all) != 2 || all[1].Text != "Bye." {
			t.Errorf("%s: the customer heard %+v", tr.name, all)
		}
	}
	if n := s.Metric(t, "patchbay_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters, want none", n)
	}
}

// calls are what may happen to a vendor's own calls. They are repeated until they are taken, and each has its effect once.
var webhookFaults = []faultCase{
	{"not sent, tried again", simulator.Fault{Kind: simulator.Status}, one, false},
	{"slow", simulator.Fault{Kind: simulator.Slow, Delay: 300 * time.Millisecond}, one, false},
	{"reset", simulator.Fault{Kind: simulator.Reset}, one, false},
	{"answer ignored", simulator.Fault{Kind: simulator.Drop}, one, false},
	{"cut off", simulator.Fault{Kind: simulator.Truncate}, one, false},
	{"wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false},
	{"huge", simulator.Fault{Kind: simulator.Huge}, one, false},
	{"twice", simulator.Fault{Kind: simulator.Duplicate}, one, false},
	{"wrong proof", simulator.Fault{Kind: simulator.BadSignature}, one, false},
}

// TestHandoffCallsUnderFaults: what the customer says in a hand-off reaches the agent once.
func TestHandoffCallsUnderFaults(t *testing.T) {
	t.Parallel()
	s := impatientHandoff(t)
	h, chat := s.connectHandoff(t, "u-1")
	if _, err := s.Desk.Say(chat, "This is Kim."); err != nil {
		t.Fatal(err)
	}
	s.checkFaults(t, &s.Bots.Faults, botwebhook.EndpointChat, "desk", webhookFaults, func(text string) {
		if out, err := h.Say(harness.Soon(t), text); err != nil || !out.Accepted {
			t.Fatalf("say %q: %+v, %v", text, out, err)
		}
	}, func() []string {
		var out []string
		c, _ := s.Desk.Chat(chat)
		for _, l := range c.Lines {
			if l.From == "customer" {
				out = append(out, l.Text)
			}
		}
		return out
	})
}
