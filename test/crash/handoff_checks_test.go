package crash

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// evidence collects the evidence of hand-offs. The calls of hand-offs have no message ids, so that the unique texts
// identify the messages.
func (h *handoffTraffic) evidence(t *testing.T, g *harness.Gateway, incidents []incident) *evidence {
	t.Helper()
	e := h.gather(t, g, incidents)
	e.channel = "handoff"
	known := map[string]bool{}
	for _, d := range h.started.All() {
		known[deskUser(d.ID)] = true
		if len(e.trails[d.user]) == 0 {
			continue
		}
		keys := map[string]string{}  // deliveries by text
		texts := map[string]string{} // by envelope
		entries := e.trails[d.user][0].Entries
		for i := range entries {
			entry := &entries[i]
			switch {
			case entry.Step == "accepted" && entry.Channel == "handoff":
				entry.VendorID = messageName(entry.Text)
			case entry.Step == "queued" && entry.Channel == "handoff" && entry.Kind == "send":
				keys[texts[entry.Envelope]] = entry.Delivery
			}
			if entry.Text != "" {
				texts[entry.Envelope] = entry.Text
			}
		}
		for _, m := range d.AgentMessages.All() {
			r := answerArrival{at: m.At, key: keys[m.Text], role: "system", text: m.Text}
			if m.Text == "One moment, I am looking for an agent." {
				continue // the text is not unique; waitForLines has waited for it
			}
			e.answerArrivals[d.user] = append(e.answerArrivals[d.user], r)
		}
	}
	e.answers = nil
	for _, o := range h.w.Desk.Outcomes.All() {
		var body struct {
			Messages []struct {
				To string `json:"to"`
			} `json:"messages"`
		}
		if err := json.Unmarshal(o.Call.Body, &body); err != nil {
			t.Fatal(err)
		}
		if len(body.Messages) == 1 && known[body.Messages[0].To] {
			e.answers = append(e.answers, h.deskAnswers(t, []simulator.Outcome{o})...)
		}
	}
	return e
}

// checkDeadLetters checks that each dead letter has one of these explanations:
//
//   - It is an agent's line. The customer received it, but a kill interrupted the response to the call, and the
//     hand-off ended before the repeated call.
//   - It is a customer's message to the desk. The conversation was closed and the agent hung up before the delivery.
//   - Its adapter was killed during two of its calls.
func (v *oracle) checkDeadLetters(hangups map[string]time.Time) {
	for user, trails := range v.trails {
		for i := range trails {
			for _, dead := range trails[i].Find("dead") {
				received := slices.ContainsFunc(v.answerArrivals[user], func(r answerArrival) bool {
					return r.key == dead.Delivery && slices.ContainsFunc(v.incidents, func(i incident) bool {
						return (i.channel == "" || i.channel == v.customerChannel()) && r.at.Before(i.to) && i.from.Before(dead.At)
					})
				})
				hangup, ok := hangups[user]
				missed := ok && hangup.Before(dead.At) && dead.Channel == "desk"
				if missed && strings.Contains(dead.Detail, "no agent is called back") && closedAfterQueued(&trails[i], &dead) ||
					missed && strings.Contains(dead.Detail, "closed the conversation after the owner had left") {
					continue
				}
				if (dead.Channel != v.customerChannel() || !received) && !v.killedTwice(v.indexes[user], dead.Delivery) {
					v.addFinding(user, "delivery %s to %s is a dead letter (%s) without an explanation",
						dead.Delivery, dead.Channel, dead.Detail)
				}
			}
		}
	}
}

// closedAfterQueued reports whether the conversation was closed after a delivery was queued and before it was given up.
func closedAfterQueued(tr *harness.Trail, dead *harness.Entry) bool {
	return slices.ContainsFunc(tr.Find("closed"), func(c harness.Entry) bool {
		return !c.At.After(dead.At) && slices.ContainsFunc(tr.Find("queued"), func(q harness.Entry) bool {
			return q.Delivery == dead.Delivery && !q.At.After(c.At)
		})
	})
}

// hangups returns the time of the agent's first hangup by customer.
func (h *handoffTraffic) hangups() map[string]time.Time {
	at := map[string]time.Time{}
	for _, e := range h.w.Desk.Events.All() {
		d, ok := h.byUser.Load(e.User)
		if !ok || e.Kind != "closed" {
			continue
		}
		if user := d.(*acceptedHandoff).user; at[user].IsZero() {
			at[user] = e.At
		}
	}
	return at
}

// checkNoOpenAfterClose checks that a closed conversation queues no call that opens a chat at the desk.
func (v *oracle) checkNoOpenAfterClose() {
	for user, trails := range v.trails {
		for i := range trails {
			closed := trails[i].Find("closed")
			for _, q := range trails[i].Find("queued") {
				if len(closed) > 0 && q.Kind == "open" && q.Channel == "desk" && q.At.After(closed[0].At) {
					v.addFinding(user, "delivery %s opens a chat at the desk after the conversation was closed", q.Delivery)
				}
			}
		}
	}
}
