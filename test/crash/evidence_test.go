package crash

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// evidence is all that was seen from outside, in plain values, for the oracle to judge.
type evidence struct {
	incidents []incident
	said      []said                     // what customers said and got a 200 for, in order per customer
	words     []word                     // what bots and agents said and got a 200 for
	arrivals  []arrival                  // customers' messages at bots and desk, in order per channel
	replies   map[string][]reply         // what each customer got, in order
	trails    map[string][]harness.Trail // by customer
	strays    map[string]harness.Trail   // by the vendor's id, of words that are in no customer's trail
	strict    bool                       // no dead letter is expected
	channel   string                     // the customers'; "" is livechat
}

// far is the channel where the customers are.
func (e *evidence) far() string { return cmp.Or(e.channel, "livechat") }

// incident is a time in which calls may have been cut off: from the kill until what was killed serves again.
type incident struct {
	from, to time.Time
	channel  string // whose calls; "" is all
}

// word is one answer of a bot or line of an agent.
type word struct{ channel, vendorID, text string }

// arrival is a customer's message that a vendor took in.
type arrival struct {
	at            time.Time
	channel, name string
}

// reply is one arrival at a customer: something said, or a marker that control has passed.
type reply struct {
	at       time.Time
	key      string // Idempotency-Key
	role     string // who speaks
	text     string
	passedTo string // role of the new owner, if it is a marker
}

// gather asks the gateway and the vendors, when everything has come to an end.
func (tr *traffic) gather(t *testing.T, g *harness.Gateway, incidents []incident) *evidence {
	t.Helper()
	e := &evidence{
		incidents: incidents, said: tr.said.All(), replies: map[string][]reply{}, trails: map[string][]harness.Trail{}, strict: true,
	}
	for _, a := range tr.w.Bots.Asked.All() {
		e.arrivals = append(e.arrivals, arrival{a.At, "faq", tr.question(t, a)})
	}
	for _, c := range tr.w.Desk.Chats() {
		for _, l := range c.Lines {
			switch {
			case l.From == "customer" && l.File != "":
				e.arrivals = append(e.arrivals, arrival{l.At, "desk", tr.shown(t, l.File)})
			case l.From == "customer" && !transcript(l.Text):
				e.arrivals = append(e.arrivals, arrival{l.At, "desk", name(l.Text)})
			}
		}
	}
	e.words = append(botWords(t, tr.w.Bots.Outcomes.All()), tr.deskWords(t, tr.w.Desk.Outcomes.All())...)
	users := e.users()
	for _, user := range users {
		for _, a := range tr.w.Livechat.Received(user) {
			r := reply{at: a.At, key: a.Key, role: a.Payload.Sender.Role, text: a.Payload.BotSay}
			for _, f := range a.Payload.Media {
				r.text += tr.behind(t, f.URL)
			}
			if a.Payload.Event != nil && a.Payload.Event.Type == "passed" {
				r.passedTo = a.Payload.Event.OwnerRole
			}
			e.replies[user] = append(e.replies[user], r)
		}
	}
	e.follow(t, g, users)
	e.seek(t, g)
	return e
}

// seek reads the trails of words that are in no customer's trail, when it is known what becomes of them.
func (e *evidence) seek(t *testing.T, g *harness.Gateway) {
	t.Helper()
	e.strays = map[string]harness.Trail{}
	for _, channel := range []string{"faq", "desk"} {
		accepted := e.accepted(channel)
		for _, w := range e.words {
			if w.channel != channel || accepted[w.vendorID] {
				continue
			}
			harness.Eventually(t, harness.Patience, "the end of "+w.text, func() string {
				found := g.Trace(t, w.vendorID)
				if len(found) == 1 && len(found[0].Find("held")) > len(found[0].Find("unrouted")) {
					return fmt.Sprintf("%+v", found[0].Entries)
				}
				if len(found) == 1 {
					e.strays[w.vendorID] = found[0]
				}
				return ""
			})
		}
	}
}

// follow reads the trails of customers.
func (e *evidence) follow(t *testing.T, g *harness.Gateway, users []string) {
	t.Helper()
	for some := range slices.Chunk(users, 500) {
		for _, trail := range g.Trace(t, some...) {
			user := trail.State.Customer
			e.trails[user] = append(e.trails[user], trail)
		}
	}
}

// steps counts what the trails call by this name.
func (e *evidence) steps(what string) int {
	n := 0
	for _, trails := range e.trails {
		for i := range trails {
			n += len(trails[i].Find(what))
		}
	}
	return n
}

// until lets everybody talk on until enough has happened to judge by, by the trails so far: how much does in the time that the
// kills take depends on the machine.
func (tr *traffic) until(t *testing.T, g *harness.Gateway, enough func(*evidence) bool) {
	t.Helper()
	var looked time.Time
	harness.Eventually(t, drainTime, "enough happens to judge by", func() string {
		if time.Since(looked) < time.Second { // looking reads the whole log
			return "not yet"
		}
		e := &evidence{said: tr.said.All(), trails: map[string][]harness.Trail{}}
		e.follow(t, g, e.users())
		looked = time.Now()
		return wait(enough(e), "%d messages, %d handovers, %d fenced", len(e.said), e.steps("passed"), e.steps("fenced"))
	})
}

func (e *evidence) users() []string {
	seen := map[string]bool{}
	var users []string
	for _, s := range e.said {
		if !seen[s.user] {
			seen[s.user] = true
			users = append(users, s.user)
		}
	}
	return users
}

// question is the name of what a bot was asked. A picture that is missing, or is another's, makes it a name that nobody has.
func (tr *traffic) question(t *testing.T, a botwebhook.Asked) string {
	t.Helper()
	id := name(botwebhook.Question(a.Messages))
	media := a.Messages[len(a.Messages)-1].Media
	if !pictured(id) && len(media) == 0 || pictured(id) && len(media) == 1 && tr.behind(t, media[0].URL) == id+".png" {
		return id
	}
	return id + "-with-other-pictures"
}

// transcript reports whether a desk's line is what the gateway tells an agent of the talk so far.
func transcript(line string) bool {
	return slices.ContainsFunc([]string{"Customer: ", "Assistant: ", "Agent: ", "System: "},
		func(speaker string) bool { return strings.HasPrefix(line, speaker) })
}

// botWords reads the bots' webhook calls that were taken.
func botWords(t *testing.T, pushed []simulator.Outcome) []word {
	t.Helper()
	var out []word
	for _, o := range pushed {
		var body struct {
			ID   string `json:"message_id"`
			Text string `json:"text"`
		}
		if err := json.Unmarshal(o.Call.Body, &body); err != nil {
			t.Fatal(err)
		}
		if o.Call.Endpoint != botwebhook.EndpointPush {
			continue // of a hand-off
		}
		if !o.Accepted {
			t.Errorf("a bot's answer %s was never taken: status %d, %v", body.ID, o.Status, o.Err)
			continue
		}
		out = append(out, word{"faq", body.ID, body.Text})
	}
	return out
}

// deskWords reads the agents' lines that were taken. The desk's own notices have no id that the trail could be asked for.
func (tr *traffic) deskWords(t *testing.T, pushed []simulator.Outcome) []word {
	t.Helper()
	var out []word
	for _, o := range pushed {
		var body struct {
			Messages []deskMessage `json:"messages"`
		}
		if err := json.Unmarshal(o.Call.Body, &body); err != nil {
			t.Fatal(err)
		}
		if !o.Accepted {
			t.Errorf("a push of the desk was never taken: status %d, %v: %s", o.Status, o.Err, o.Call.Body)
			continue
		}
		for _, m := range body.Messages {
			if m.Code != "" {
				out = append(out, tr.deskWord(t, m))
			}
		}
	}
	return out
}

// deskMessage is what is read of an agent's message.
type deskMessage struct {
	Code      string `json:"messageCode"`
	MediaType string `json:"mediaType"`
	Content   string `json:"content"`
}

// deskWord is an agent's message: a picture says what it is called.
func (tr *traffic) deskWord(t *testing.T, m deskMessage) word {
	t.Helper()
	if m.MediaType == "IMAGE" {
		return word{"desk", m.Code, tr.shown(t, "local/"+m.Content)}
	}
	return word{"desk", m.Code, m.Content}
}
