package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/sdk/envelope"
	"patchbay/test/harness"
)

// handoffRoutes have each hand-off go to the desk, and end with it.
const handoffRoutes = `
  - name: person-wanted
    event: handover_requested
    from: handoff
    say: One moment, I am looking for a colleague.
    offer: {to: desk, within: 60s, hold: true}
  - name: agent-left
    event: disconnected
    from: agent
    close: true
  - name: customer-left
    event: disconnected
    from: handoff
    close: true
`

// handoffChannel is a customers' channel at GPTBots.
const handoffChannel = `
adapter: botwebhook
role: customer
owner: faq
allow: [127.0.0.0/8]
settings:
  base_url: ${env:GPTBOTS_URL}
  api_key: ${env:GPTBOTS_API_KEY}
  webhook_token: ${env:GPTBOTS_WEBHOOK_TOKEN}`

// dialogue is one hand-off that was taken.
type dialogue struct {
	user string
	*botwebhook.Handoff
	told chan struct{} // closed when the agent has said everything
	done chan struct{} // closed when the customer has
}

// handoffs are all hand-offs of a test.
type handoffs struct {
	*traffic
	taken  simulator.Log[*dialogue]
	lines  sync.Map // number of an agent's lines by desk user
	byUser sync.Map // *dialogue by desk user
}

// deskUser is what the desk calls the customer of a hand-off.
func deskUser(handoff string) string { return envelope.ShortID("handoff", handoff) }

// begin has GPTBots hand dialogues over, one after the other, until talking ends.
func (h *handoffs) begin(customers int) {
	for i := range customers {
		h.customers.Go(func() {
			rnd := chance(h.seed, "dialogues", i)
			for n := 0; h.talking.Err() == nil; n++ {
				h.talkOnce(rnd, fmt.Sprintf("c%02dx%d", i, n))
			}
		})
	}
}

// talkOnce is one hand-off from its beginning to its end. The vendor asks once for a person: if nobody answers, that was it.
func (h *handoffs) talkOnce(rnd *rand.Rand, user string) {
	handoff, err := h.w.Bots.Handoff(h.ctx, botwebhook.User{UserID: user, Said: []botwebhook.Line{{Type: "QUESTION", Text: "before " + user}}})
	if err != nil {
		pause(h.ctx, 50*time.Millisecond)
		return
	}
	d := &dialogue{user: user, Handoff: handoff, told: make(chan struct{}), done: make(chan struct{})}
	h.taken.Append(d)
	h.byUser.Store(deskUser(d.ID), d)
	for n := 1; n <= 4; n++ {
		id := messageID(user, n)
		out, err := d.Say(h.ctx, id+" hello")
		if err != nil || !out.Accepted {
			h.refused.Append(refusal{time.Now(), out.Status, err})
			break
		}
		h.said.Append(said{user, id, time.Now()})
		pause(h.ctx, time.Duration(rnd.IntN(300))*time.Millisecond)
	}
	close(d.done)
	select {
	case <-d.told:
	case <-h.ctx.Done():
		return
	}
	if rnd.IntN(2) == 0 && h.heardAll(d) {
		_, _ = d.Close(h.ctx) // fails if the agent was faster
	}
	_, _ = d.Wait(h.ctx)
}

// heardAll waits until everything that the agent said has come.
func (h *handoffs) heardAll(d *dialogue) bool {
	lines, _ := h.lines.Load(deskUser(d.ID))
	return d.Heard.Wait(h.ctx, func(all []botwebhook.Heard) bool {
		distinct := map[string]bool{}
		for _, m := range all {
			distinct[m.Text] = true
		}
		return len(distinct) > lines.(int) // and the greeting
	}) == nil
}

// agents take everybody who comes.
func (h *handoffs) agents() {
	rnd := chance(h.seed, "agents")
	var chats sync.WaitGroup
	defer chats.Wait()
	for from := 0; ; {
		events, err := h.w.Desk.Events.Next(h.shift, from)
		if err != nil {
			return
		}
		from += len(events)
		for _, e := range events {
			if e.Kind == "CONNECT" {
				mood, user := rand.New(rand.NewPCG(rnd.Uint64(), 0)), e.User
				chats.Go(func() { h.attend(mood, user) })
			}
		}
	}
}

func (h *handoffs) attend(rnd *rand.Rand, user string) {
	pause(h.shift, time.Duration(100+rnd.IntN(300))*time.Millisecond)
	if h.w.Desk.Accept(user, "Ann") != nil {
		return // a repeated CONNECT
	}
	found, ok := h.byUser.Load(user)
	if !ok && pause(h.shift, 3*time.Second) {
		found, ok = h.byUser.Load(user)
	}
	lines := 1 + rnd.IntN(4)
	// Nobody is there if the gateway's answer to the beginning was cut off, since the vendor then tells its customer that everybody is
	// busy, or if a CONNECT is repeated behind the end.
	if _, before := h.lines.LoadOrStore(user, lines); !ok || before {
		_ = h.w.Desk.Hangup(user)
		return
	}
	d := found.(*dialogue)
	for range lines {
		if _, err := h.w.Desk.Say(user, fmt.Sprintf("line #%d", h.serial.Add(1))); err != nil {
			return
		}
		pause(h.shift, time.Duration(50+rnd.IntN(300))*time.Millisecond)
	}
	close(d.told)
	select {
	case <-d.done:
	case <-h.shift.Done():
		return
	}
	if !h.heardAll(d) || rnd.IntN(2) == 0 && pause(h.shift, time.Second) && d.How() != "" {
		return // the customer was faster
	}
	_ = h.w.Desk.Hangup(user)
}

// evidence puts what was seen of the hand-offs into the form of other channels' evidence: their calls have no ids, so messages are named
// by their words, which no two have.
func (h *handoffs) evidence(t *testing.T, g *harness.Gateway, incidents []incident) *evidence {
	t.Helper()
	e := h.gather(t, g, incidents)
	e.channel = "handoff"
	real := map[string]bool{}
	for _, d := range h.taken.All() {
		real[deskUser(d.ID)] = true
		if len(e.trails[d.user]) == 0 {
			continue
		}
		keys := map[string]string{} // deliveries by words
		words := map[string]string{}
		entries := e.trails[d.user][0].Entries
		for i := range entries {
			entry := &entries[i]
			switch {
			case entry.Step == "accepted" && entry.Channel == "handoff":
				entry.VendorID = name(entry.Text)
			case entry.Step == "queued" && entry.Channel == "handoff" && entry.Kind == "send":
				keys[words[entry.Envelope]] = entry.Delivery
			}
			if entry.Text != "" {
				words[entry.Envelope] = entry.Text
			}
		}
		for _, m := range d.Heard.All() {
			r := reply{at: m.At, key: keys[m.Text], role: "system", text: m.Text}
			if m.Text == "One moment, I am looking for a colleague." {
				continue // everybody's, so its words say nothing; heardAll has waited for it
			}
			e.replies[d.user] = append(e.replies[d.user], r)
		}
	}
	e.words = nil
	for _, o := range h.w.Desk.Outcomes.All() {
		var body struct {
			Messages []struct {
				To string `json:"to"`
			} `json:"messages"`
		}
		if err := json.Unmarshal(o.Call.Body, &body); err != nil {
			t.Fatal(err)
		}
		if len(body.Messages) == 1 && real[body.Messages[0].To] {
			e.words = append(e.words, h.deskWords(t, []simulator.Outcome{o})...)
		}
	}
	return e
}

// overtaken demands of each line that is a dead letter that the customer has heard it all the same: the answer to its call was cut off by a
// death, and when it was repeated, the customer had left. A customer's words at the desk may be one, too, if the conversation was closed and the
// agent had hung up before they could be delivered: then nobody is called back for them. And so may be what two deaths of its adapter met.
func (v *verdict) overtaken(hungUp map[string]time.Time) {
	for user, trails := range v.trails {
		for i := range trails {
			for _, dead := range trails[i].Find("dead") {
				heard := slices.ContainsFunc(v.replies[user], func(r reply) bool {
					return r.key == dead.Delivery && slices.ContainsFunc(v.incidents, func(i incident) bool {
						return (i.channel == "" || i.channel == v.far()) && r.at.Before(i.to) && i.from.Before(dead.At)
					})
				})
				left, ok := hungUp[user]
				missed := ok && left.Before(dead.At) && dead.Channel == "desk" && strings.Contains(dead.Detail, "nobody is called back")
				if missed && closedBehind(&trails[i], &dead) {
					continue
				}
				if (dead.Channel != v.far() || !heard) && !v.killedTwice(v.books[user], dead.Delivery) {
					v.find(user, "delivery %s to %s is a dead letter (%s), and no death explains it", dead.Delivery, dead.Channel, dead.Detail)
				}
			}
		}
	}
}

// closedBehind reports whether the conversation was closed after a delivery was queued, and before it was given up.
func closedBehind(tr *harness.Trail, dead *harness.Entry) bool {
	return slices.ContainsFunc(tr.Find("closed"), func(c harness.Entry) bool {
		return !c.At.After(dead.At) && slices.ContainsFunc(tr.Find("queued"), func(q harness.Entry) bool {
			return q.Delivery == dead.Delivery && !q.At.After(c.At)
		})
	})
}

// hungUp returns when the agent hung up on each customer, for the first time.
func (h *handoffs) hungUp() map[string]time.Time {
	at := map[string]time.Time{}
	for _, e := range h.w.Desk.Events.All() {
		d, ok := h.byUser.Load(e.User)
		if !ok || e.Kind != "closed" {
			continue
		}
		if user := d.(*dialogue).user; at[user].IsZero() {
			at[user] = e.At
		}
	}
	return at
}

// summoned demands that no agent is called to a conversation that has been closed.
func (v *verdict) summoned() {
	for user, trails := range v.trails {
		for i := range trails {
			closed := trails[i].Find("closed")
			for _, q := range trails[i].Find("queued") {
				if len(closed) > 0 && q.Kind == "open" && q.Channel == "desk" && q.At.After(closed[0].At) {
					v.find(user, "the desk is opened by delivery %s after the conversation was closed", q.Delivery)
				}
			}
		}
	}
}

// TestHandoffsKilled kills the gateway and adapters while GPTBots hands dialogues over to people, who talk and come to an end.
func TestHandoffsKilled(t *testing.T) {
	t.Parallel()
	crashes := number(t, "PATCHBAY_CRASHES", usual)
	tr := newTraffic(t, seed(t))
	h := &handoffs{traffic: tr}
	g := harness.NewGateway(t, tr.w, harness.Config{
		Without: []string{"livechat"}, Define: map[string]string{"handoff": handoffChannel}, Routes: handoffRoutes,
		Limits: []string{"limits: {opened_per_minute: 0}"},
	})
	tr.w.Bots.SetHuman(g.Public + "/webhooks/botwebhook/handoff")
	h.begin(12)
	tr.staffed.Go(h.agents)
	var incidents []incident
	for _, i := range tr.mayhem(t, g, crashes, "botwebhook", "aicc") {
		incidents = append(incidents, i)
		if i.channel == "faq" { // the same adapter has both
			i.channel = "handoff"
			incidents = append(incidents, i)
		}
	}
	tr.hush()
	within, cancel := context.WithTimeout(tr.ctx, drainTime)
	defer cancel()
	context.AfterFunc(within, tr.end) // whoever still waits then does so in vain, and is found below
	tr.customers.Wait()
	tr.gong()
	tr.staffed.Wait()
	tr.drain(t, g)
	e := h.evidence(t, g, incidents)
	e.strict = false // overtaken looks at the dead
	v := judge(e)
	v.overtaken(h.hungUp())
	v.summoned()
	ends := map[botwebhook.End]int{}
	for _, d := range h.taken.All() {
		ends[d.How()]++
		if d.How() == "" {
			v.find(d.user, "the hand-off has no end")
		}
	}
	v.report(t)
	t.Logf("crashes=%d %s hand-offs=%d by ends=%v", len(incidents), v.tally, h.taken.Len(), ends)
	if ends[botwebhook.ByAgent] == 0 || ends[botwebhook.ByUser] == 0 || v.tally.handovers < crashes {
		t.Error("too little happened to judge by")
	}
}
