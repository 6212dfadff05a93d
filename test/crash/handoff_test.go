package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/simulator"
	"patchbay/sdk/envelope"
	"patchbay/test/harness"
)

// handoffRoutes offers each hand-off to the desk, and closes the conversation when the hand-off or the chat ends.
const handoffRoutes = `
  - name: offer-to-desk
    event: handover_requested
    from: handoff
    say: One moment, I am looking for an agent.
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

// handoffChannel is a channel for customers whose conversations GPTBots hands off.
const handoffChannel = `
adapter: botwebhook
role: customer
owner: faq
allow: [127.0.0.0/8]
settings:
  base_url: ${env:GPTBOTS_URL}
  api_key: ${env:GPTBOTS_API_KEY}
  webhook_token: ${env:GPTBOTS_WEBHOOK_TOKEN}`

// acceptedHandoff is a hand-off that the gateway has accepted.
type acceptedHandoff struct {
	user string
	*botwebhook.Handoff
	agentDone    chan struct{} // closed after the last line of the agent
	customerDone chan struct{} // closed after the last message of the customer
}

// handoffTraffic runs the hand-offs of a test.
type handoffTraffic struct {
	*traffic
	started simulator.Log[*acceptedHandoff]
	lines   sync.Map // number of an agent's lines, by desk user
	byUser  sync.Map // *acceptedHandoff, by desk user
}

// deskUser returns the id of a hand-off's customer at the desk.
func deskUser(handoff string) string { return envelope.ShortID("handoff", handoff) }

// start starts hand-offs until customersCtx ends. The hand-offs of one customer follow one after the other.
func (h *handoffTraffic) start(customers int) {
	for i := range customers {
		h.customers.Go(func() {
			rnd := newRand(h.seed, "dialogues", i)
			for n := 0; h.customersCtx.Err() == nil; n++ {
				h.runHandoff(rnd, fmt.Sprintf("c%02dx%d", i, n))
			}
		})
	}
}

// runHandoff runs one hand-off to its end. The vendor calls the gateway once; if the call fails, there is no hand-off.
func (h *handoffTraffic) runHandoff(rnd *rand.Rand, user string) {
	before := []botwebhook.Line{{Type: "QUESTION", Text: "before " + user}}
	handoff, err := h.w.Bots.Handoff(h.ctx, botwebhook.User{UserID: user, Dialogue: before})
	if err != nil {
		pause(h.ctx, 50*time.Millisecond)
		return
	}
	d := &acceptedHandoff{user: user, Handoff: handoff, agentDone: make(chan struct{}), customerDone: make(chan struct{})}
	h.started.Append(d)
	h.byUser.Store(deskUser(d.ID), d)
	for n := 1; n <= 4; n++ {
		id := messageID(user, n)
		out, err := d.Say(h.ctx, id+" hello")
		if err != nil || !out.Accepted {
			h.refused.Append(refusal{time.Now(), out.Status, err})
			break
		}
		h.sent.Append(sentMessage{user, id, time.Now()})
		pause(h.ctx, time.Duration(rnd.IntN(300))*time.Millisecond)
	}
	close(d.customerDone)
	select {
	case <-d.agentDone:
	case <-h.ctx.Done():
		return
	}
	if rnd.IntN(2) == 0 && h.waitForLines(d) {
		_, _ = d.Close(h.ctx) // fails if the agent has ended it
	}
	_, _ = d.Wait(h.ctx)
}

// waitForLines waits until the customer has received all lines of the agent.
func (h *handoffTraffic) waitForLines(d *acceptedHandoff) bool {
	lines, _ := h.lines.Load(deskUser(d.ID))
	return d.AgentMessages.Wait(h.ctx, func(all []botwebhook.AgentMessage) bool {
		distinct := map[string]bool{}
		for _, m := range all {
			distinct[m.Text] = true
		}
		return len(distinct) > lines.(int) // the notice is one more
	}) == nil
}

// runAgents accepts all hand-offs at the desk.
func (h *handoffTraffic) runAgents() { h.serveChats(h.serveHandoff) }

func (h *handoffTraffic) serveHandoff(rnd *rand.Rand, user string) {
	pause(h.staffCtx, time.Duration(100+rnd.IntN(300))*time.Millisecond)
	if h.w.Desk.Accept(user, "Ann") != nil {
		return // a repeated CONNECT
	}
	found, ok := h.byUser.Load(user)
	if !ok && pause(h.staffCtx, 3*time.Second) {
		found, ok = h.byUser.Load(user)
	}
	lines := 1 + rnd.IntN(4)
	// There is no hand-off if a kill interrupted the gateway's response to establish, because the vendor then ended it.
	// A repeated CONNECT after the end of the chat has lines already.
	if _, before := h.lines.LoadOrStore(user, lines); !ok || before {
		_ = h.w.Desk.Hangup(user)
		return
	}
	d := found.(*acceptedHandoff)
	for range lines {
		if _, err := h.w.Desk.Say(user, fmt.Sprintf("line #%d", h.serial.Add(1))); err != nil {
			return
		}
		pause(h.staffCtx, time.Duration(50+rnd.IntN(300))*time.Millisecond)
	}
	close(d.agentDone)
	select {
	case <-d.customerDone:
	case <-h.staffCtx.Done():
		return
	}
	if !h.waitForLines(d) || rnd.IntN(2) == 0 && pause(h.staffCtx, time.Second) && d.EndReason() != "" {
		return // the customer has ended it
	}
	_ = h.w.Desk.Hangup(user)
}

// TestKillsDuringHandoffs kills the gateway and adapters while GPTBots hands off conversations to agents.
func TestKillsDuringHandoffs(t *testing.T) {
	t.Parallel()
	crashes := envInt(t, "PATCHBAY_CRASHES", defaultCrashes)
	tr := newTraffic(t, seed(t))
	h := &handoffTraffic{traffic: tr}
	g := harness.NewGateway(t, tr.w, harness.Config{
		Omit: []string{"livechat"}, Define: map[string]string{"handoff": handoffChannel}, Routes: handoffRoutes,
		Limits: []string{"limits: {opened_per_minute: 0}"},
	})
	h.start(12)
	tr.staff.Go(h.runAgents)
	var incidents []incident
	for _, i := range tr.killRepeatedly(t, g, crashes, "botwebhook", "aicc") {
		incidents = append(incidents, i)
		if i.channel == "faq" { // the adapter of both channels
			i.channel = "handoff"
			incidents = append(incidents, i)
		}
	}
	tr.stopCustomers()
	idle, cancel := context.WithTimeout(tr.ctx, idleTimeout)
	defer cancel()
	context.AfterFunc(idle, tr.stopAll) // hand-offs that are still open are findings
	tr.customers.Wait()
	tr.stopStaff()
	tr.staff.Wait()
	tr.waitUntilIdle(t, g)
	e := h.evidence(t, g, incidents)
	e.strict = false // checkDeadLetters checks the dead letters
	v := evaluate(e)
	v.checkDeadLetters(h.hangups())
	v.checkNoOpenAfterClose()
	ends := map[botwebhook.EndReason]int{}
	for _, d := range h.started.All() {
		ends[d.EndReason()]++
		if d.EndReason() == "" {
			v.addFinding(d.user, "the hand-off has not ended")
		}
	}
	v.report(t)
	t.Logf("crashes=%d %s handoffs=%d ends=%v", len(incidents), v.tally, h.started.Len(), ends)
	if ends[botwebhook.ByAgent] == 0 || ends[botwebhook.ByUser] == 0 || v.tally.handovers < crashes {
		t.Error("too few events to check")
	}
}
