package crash

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"patchbay/test/harness"
)

// evidence is the input of the oracle, from the vendors' records and the gateway's API.
type evidence struct {
	incidents      []incident
	messages       []sentMessage              // accepted messages of customers, in order per customer
	answers        []acceptedAnswer           // accepted messages of bots and agents
	arrivals       []arrival                  // customers' messages at bots and desk, in order for each channel
	answerArrivals map[string][]answerArrival // by customer, in order
	trails         map[string][]harness.Trail // by customer
	pendingTrails  map[string]harness.Trail   // trails of answers that are in no customer's trail, by vendor id
	strict         bool                       // only a delivery that was killed twice may be a dead letter
	channel        string                     // the customers' channel; "" means livechat
}

// customerChannel returns the channel of the customers.
func (e *evidence) customerChannel() string { return cmp.Or(e.channel, "livechat") }

// incident is a period in which calls can be interrupted: from a kill until the next process is ready.
type incident struct {
	from, to time.Time
	channel  string // channel of these calls; "" means all channels
}

// acceptedAnswer is a message of a bot or an agent that the gateway accepted.
type acceptedAnswer struct{ channel, vendorID, text string }

// arrival is a customer's message that a vendor received.
type arrival struct {
	at            time.Time
	channel, name string
}

// answerArrival is an answer, a notice or an event of type passed that the customer's vendor received.
type answerArrival struct {
	at       time.Time
	key      string // Idempotency-Key
	role     string // of the sender
	text     string
	passedTo string // role of the new owner, for an event of type passed
}

// gather collects the evidence from the gateway and the vendors at the end of a test.
func (tr *traffic) gather(t *testing.T, g *harness.Gateway, incidents []incident) *evidence {
	t.Helper()
	e := &evidence{
		incidents: incidents, messages: tr.sent.All(), strict: true,
		answerArrivals: map[string][]answerArrival{}, trails: map[string][]harness.Trail{},
	}
	for _, a := range tr.w.Bots.SendCalls.All() {
		e.arrivals = append(e.arrivals, arrival{a.At, "faq", tr.questionName(t, a)})
	}
	for _, c := range tr.w.Desk.Chats() {
		for _, l := range c.Lines {
			switch {
			case l.From == "customer" && l.File != "":
				e.arrivals = append(e.arrivals, arrival{l.At, "desk", tr.deskPicture(t, l.File)})
			case l.From == "customer" && !isTranscript(l.Text):
				e.arrivals = append(e.arrivals, arrival{l.At, "desk", messageName(l.Text)})
			}
		}
	}
	e.answers = append(botAnswers(t, tr.w.Bots.Outcomes.All()), tr.deskAnswers(t, tr.w.Desk.Outcomes.All())...)
	users := e.users()
	for _, user := range users {
		for _, a := range tr.w.Livechat.AllAnswers(user) {
			r := answerArrival{at: a.At, key: a.Key, role: a.Payload.Sender.Role, text: a.Payload.BotSay}
			for _, f := range a.Payload.Media {
				r.text += tr.linkedPicture(t, f.URL)
			}
			if a.Payload.Event != nil && a.Payload.Event.Type == "passed" {
				r.passedTo = a.Payload.Event.OwnerRole
			}
			e.answerArrivals[user] = append(e.answerArrivals[user], r)
		}
	}
	e.readTrails(t, g, users)
	e.readPendingTrails(t, g)
	return e
}

// readPendingTrails reads the trails of answers that are in no customer's trail. It waits until they have a final
// status.
func (e *evidence) readPendingTrails(t *testing.T, g *harness.Gateway) {
	t.Helper()
	e.pendingTrails = map[string]harness.Trail{}
	for _, channel := range []string{"faq", "desk"} {
		accepted := e.accepted(channel)
		for _, a := range e.answers {
			if a.channel != channel || accepted[a.vendorID] {
				continue
			}
			harness.Eventually(t, harness.Timeout, "the final status of "+a.text, func() string {
				found := g.Trace(t, a.vendorID)
				if len(found) == 1 && len(found[0].Find("held")) > len(found[0].Find("unrouted")) {
					return fmt.Sprintf("%+v", found[0].Entries)
				}
				if len(found) == 1 {
					e.pendingTrails[a.vendorID] = found[0]
				}
				return ""
			})
		}
	}
}

// readTrails reads the trails of these customers.
func (e *evidence) readTrails(t *testing.T, g *harness.Gateway, users []string) {
	t.Helper()
	for chunk := range slices.Chunk(users, 500) {
		for _, trail := range g.Trace(t, chunk...) {
			user := trail.State.Customer
			e.trails[user] = append(e.trails[user], trail)
		}
	}
}

// count returns the number of trail entries with this step.
func (e *evidence) count(step string) int {
	n := 0
	for _, trails := range e.trails {
		for i := range trails {
			n += len(trails[i].Find(step))
		}
	}
	return n
}

// waitForTraffic waits until the trails contain enough events to check. The number of events at the last kill depends
// on the speed of the machine.
func (tr *traffic) waitForTraffic(t *testing.T, g *harness.Gateway, enough func(*evidence) bool) {
	t.Helper()
	var lastRead time.Time
	harness.Eventually(t, idleTimeout, "there are enough events to check", func() string {
		if time.Since(lastRead) < time.Second { // reading trails reads the whole log
			return "not yet"
		}
		e := &evidence{messages: tr.sent.All(), trails: map[string][]harness.Trail{}}
		e.readTrails(t, g, e.users())
		lastRead = time.Now()
		return waitReason(enough(e), "%d messages, %d handovers, %d fenced",
			len(e.messages), e.count("passed"), e.count("fenced"))
	})
}

func (e *evidence) users() []string {
	seen := map[string]bool{}
	var users []string
	for _, s := range e.messages {
		if !seen[s.user] {
			seen[s.user] = true
			users = append(users, s.user)
		}
	}
	return users
}
