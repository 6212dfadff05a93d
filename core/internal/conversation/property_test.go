package conversation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// propertyRules returns rules for all texts that the customers, bots and agents of the test send.
func propertyRules() []route.Rule {
	word := func(w string) string { return fmt.Sprintf("text == %q", w) }
	loose := route.NewOffer("night")
	loose.Hold = false
	failed := []route.Event{route.EventDeliveryFailed}
	other := route.NewOffer("night", "desk")
	other.Within, other.Else = 10*time.Second, "old"
	return []route.Rule{
		{
			Name:   "wanted",
			Events: []route.Event{route.EventHandoverRequested},
			When:   `owner == "faq"`,
			Offer:  route.NewOffer("night"),
		},
		{Name: "observe", Copy: []string{"audit"}, When: word("copy"), Continue: true},
		{Name: "mark", Set: map[string]string{"tier": "gold"}, When: word("copy"), Continue: true},
		{Name: "human", From: []string{"customer"}, When: word("human"), Offer: route.NewOffer("desk"), Say: route.Say{Default: "Moment."}},
		{Name: "anybody", From: []string{"customer"}, When: word("anybody"), Offer: other},
		{Name: "loose", From: []string{"customer"}, When: word("loose"), Offer: loose},
		{Name: "to-bot", From: []string{"customer"}, When: word("bot"), Offer: route.NewOffer("faq", "old")},
		{Name: "to-old", From: []string{"customer"}, When: word("old"), Pass: "old"},
		{Name: "to-faq", When: word("faq"), Pass: "faq"},
		{Name: "to-desk", When: word("desk"), Pass: "desk"},
		{Name: "move-home", From: []string{"customer"}, When: word("home"), Home: "old"},
		{Name: "spam", When: word("spam"), Drop: true},
		{Name: "bye", From: []string{"customer"}, When: word("bye"), Close: true, Say: route.Say{Default: "Bye."}},
		{Name: "enough", From: []string{"customer"}, When: word("enough"), Close: true, Drop: true},
		{Name: "done", From: []string{"bot", "agent"}, When: word("done"), Close: true},
		{
			Name:   "gave-up",
			Events: []route.Event{route.EventOfferFailed},
			From:   []string{"night"},
			When:   "handovers > 1",
			Close:  true,
		},
		{Name: "bot-asks", From: []string{"bot"}, When: word("help"), Offer: route.NewOffer("desk", "night")},
		{
			Name:   "agent-left",
			Events: []route.Event{route.EventDisconnected},
			From:   []string{"desk"},
			Say:    route.Say{Default: "Back."},
			Pass:   route.Home,
		},
		{
			Name:   "left-night",
			Events: []route.Event{route.EventDisconnected},
			From:   []string{"night"},
			Offer:  route.NewOffer("desk"),
		},
		{
			Name: "customer-left", Events: []route.Event{route.EventDisconnected}, From: []string{"web"},
			When: `owner_role == "bot"`, Close: true,
		},
		{Name: "lost", Events: failed, From: []string{"faq"}, When: "handovers == 0", Offer: route.NewOffer("desk")},
		{Name: "lost-again", Events: failed, From: []string{"old"}, When: "handovers < 3", Offer: loose},
		{Name: "lost-desk", Events: failed, From: []string{"desk"}, When: "handovers < 4", Pass: "old"},
		{Name: "lost-answer", Events: failed, From: []string{"web"}, When: "handovers == 2", Close: true},
		{Name: "audit", Events: []route.Event{route.EventPassed}, Copy: []string{"audit"}},
		{
			Name: "bot-silent", Events: []route.Event{route.EventUnanswered}, From: []string{"bot"}, After: 5 * time.Second,
			Offer: route.NewOffer("desk"), Say: route.Say{Default: "One moment."},
		},
		{
			Name: "agent-silent", Events: []route.Event{route.EventUnanswered}, From: []string{"agent"}, After: time.Minute,
			Pass: route.Home,
		},
		{
			Name: "silent", Events: []route.Event{route.EventUnanswered, route.EventIdle}, After: time.Minute,
			Say: route.Say{Default: "Still there?"},
		},
		{
			Name: "forgotten", Events: []route.Event{route.EventIdle}, After: 2 * time.Hour, When: "handovers > 2", Close: true,
		},
		{Name: "thanks", Events: []route.Event{route.EventClosed}, Say: route.Say{Default: "Thanks."}},
		{Name: "nobody", Events: []route.Event{route.EventOfferFailed}, Say: route.Say{Default: "No agent is free."}},
	}
}

// vendors simulates the vendors. It contains the calls in flight and the existing threads.
type vendors struct {
	*harness
	inFlight       []call
	channelThreads map[string][]string // by channel
	opened         int
	unreachable    map[string]bool // channels
	sent           int
}

// call is a call in flight.
type call struct {
	conv     string
	delivery state.Delivery
	thread   string
}

var (
	customerTexts = []string{
		"hi", "human", "anybody", "loose", "bot", "old", "faq", "desk", "home", "spam", "copy", "bye", "enough",
		strings.Repeat("a long story with many words ", 6),
	}
	botAndAgentTexts = []string{"answer", "help", "spam", "desk", "faq", "copy", "done"}
)

func (v *vendors) customerMessage(t *rapid.T) {
	m := incoming{channel: "web", thread: rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "customer"), sent: v.now}
	m.text = rapid.SampledFrom(customerTexts).Draw(t, "text")
	v.sent++
	m.id = fmt.Sprintf("v%d", v.sent-rapid.IntRange(0, 1).Draw(t, "repeat"))
	v.receive(m)
}

func (v *vendors) customerTyping(t *rapid.T) {
	v.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindTyping})
}

// customerLeaves sends an event `disconnected` of the customer. Its time may be in the past.
func (v *vendors) customerLeaves(t *rapid.T) {
	v.receive(incoming{channel: "web", thread: "w1", kind: envelope.KindDisconnected, sent: v.sentTime(t)})
}

// sentTime returns a time of a vendor's clock: now, shortly before now, long before now, or no time.
func (v *vendors) sentTime(t *rapid.T) time.Time {
	ago := rapid.SampledFrom([]int{0, 1, 2, 3, 30, 600, -1}).Draw(t, "ago")
	if ago < 0 {
		return time.Time{}
	}
	return v.now.Add(-time.Duration(ago) * time.Second)
}

// handoverRequested sends a handover request with or without earlier messages.
func (v *vendors) handoverRequested(t *rapid.T) {
	v.receive(incoming{
		channel: "web", thread: rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "customer"),
		kind: envelope.KindHandoverRequested,
		text: rapid.SampledFrom([]string{"", "what was said before", strings.Repeat("a long dialogue ", 10)}).
			Draw(t, "transcript"),
	})
}

func (v *vendors) botOrAgentEnvelope(t *rapid.T) {
	channels := sorted(slices.Collect(maps.Keys(v.channelThreads)))
	if len(channels) == 0 {
		t.Skip("no thread")
	}
	channel := rapid.SampledFrom(channels).Draw(t, "channel")
	threads := v.channelThreads[channel]
	i := len(threads) - 1 - rapid.IntRange(0, min(2, len(threads)-1)).Draw(t, "back")
	m := incoming{channel: channel, thread: threads[i], sent: v.sentTime(t)}
	kinds := []envelope.Kind{"", "", "", envelope.KindTyping, envelope.KindHandoverRequested}
	if v.policy.Channels[channel] != nil && v.policy.Channels[channel].Role == envelope.RoleAgent {
		kinds = []envelope.Kind{"", "", envelope.KindConnected, envelope.KindDisconnected}
	}
	if m.kind = rapid.SampledFrom(kinds).Draw(t, "kind"); m.kind == "" {
		m.text = rapid.SampledFrom(botAndAgentTexts).Draw(t, "text")
	}
	v.receive(m)
}

// startCall starts the call of the delivery at the head of an idle lane. From then on, the vendor may send envelopes on
// a new thread, before the outcome is recorded.
func (v *vendors) startCall(t *rapid.T) {
	var idle []call
	v.state.All(func(c *state.Conversation) bool {
		for _, l := range c.Lanes {
			busy := slices.ContainsFunc(
				v.inFlight,
				func(f call) bool { return f.conv == c.ID && f.delivery.Channel == l.Channel },
			)
			if !busy && c.Blocked[l.Channel] == "" && !c.AwaitsAnswer(&l.Queue[0]) {
				idle = append(idle, call{conv: c.ID, delivery: l.Queue[0]})
			}
		}
		return true
	})
	if len(idle) == 0 {
		t.Skip("no delivery is queued")
	}
	slices.SortFunc(idle, func(a, b call) int { return strings.Compare(a.delivery.ID, b.delivery.ID) })
	f := rapid.SampledFrom(idle).Draw(t, "delivery")
	c := v.state.Conversation(f.conv)
	switch th := c.Threads[f.delivery.Channel]; {
	case f.delivery.Thread != "":
		f.thread = f.delivery.Thread
	case f.delivery.Kind == state.KindOpen && f.delivery.Channel == "night": // this desk's thread is the customer's id
		f.thread = "night-" + c.CustomerID()[:6]
	case f.delivery.Kind == state.KindOpen:
		v.opened++
		f.thread = fmt.Sprintf("%s-%d", f.delivery.Channel, v.opened)
	case th == nil:
		t.Fatalf("%s is queued to %s, which has no thread:\n%s", v.line(&f.delivery), f.delivery.Channel, v.lanesOf(f.conv))
	default:
		f.thread = th.ID
	}
	if !slices.Contains(v.channelThreads[f.delivery.Channel], f.thread) {
		v.channelThreads[f.delivery.Channel] = append(v.channelThreads[f.delivery.Channel], f.thread)
	}
	v.inFlight = append(v.inFlight, f)
}

func (v *vendors) finishCall(t *rapid.T) {
	if len(v.inFlight) == 0 {
		t.Skip("nothing in flight")
	}
	i := rapid.IntRange(0, len(v.inFlight)-1).Draw(t, "call")
	f := v.inFlight[i]
	v.inFlight = slices.Delete(v.inFlight, i, i+1)
	o := attempt.Outcome{Thread: f.thread}
	o.Result = rapid.SampledFrom([]attempt.Result{
		attempt.ResultDelivered, attempt.ResultDelivered, attempt.ResultDelivered, attempt.ResultDelivered,
		attempt.ResultRetry, attempt.ResultDead, attempt.ResultDeclined, attempt.ResultGone,
	}).Draw(t, "outcome")
	if o.Result != attempt.ResultDelivered {
		o.Error, o.Text, o.Reason, o.Next = "transient", "no luck", "busy", v.now.Add(time.Second)
	}
	bot := f.delivery.Channel == "faq" || f.delivery.Channel == "old"
	if f.delivery.Kind == state.KindOpen && bot {
		o.Accepted = true
	}
	if bot && f.delivery.Kind == state.KindSend && o.Result == attempt.ResultDelivered &&
		rapid.Bool().Draw(t, "replies") {
		o.Replies = []*inbound.Envelope{
			v.inbound(
				incoming{channel: f.delivery.Channel, thread: f.thread, text: rapid.SampledFrom(botAndAgentTexts).Draw(t, "reply")},
			),
		}
	}
	v.outcome(f.delivery, o)
}

// severalInputs puts several inputs into one record.
func (v *vendors) severalInputs(t *rapid.T) {
	v.inOneRecord(func() {
		for range rapid.IntRange(2, 4).Draw(t, "inputs") {
			switch what := rapid.IntRange(0, 2).Draw(t, "input"); {
			case what == 0 && len(v.inFlight) > 0:
				v.finishCall(t)
			case what == 1 && len(v.channelThreads) > 0:
				v.botOrAgentEnvelope(t)
			default:
				v.customerMessage(t)
			}
		}
	})
}

// String returns a short text for the output of a failed run.
func (f call) String() string {
	return f.delivery.Kind + " " + f.delivery.Channel + " " + f.delivery.ID
}

// GoString is String.
func (f call) GoString() string { return f.String() }

func (v *vendors) advanceTime(t *rapid.T) {
	v.advance(
		rapid.SampledFrom([]time.Duration{
			time.Second, 6 * time.Second, 45 * time.Second, 61 * time.Second, closedRetention, 2 * time.Hour, 73 * time.Hour,
		}).
			Draw(t, "time"),
	)
}

func (v *vendors) restartGateway(t *rapid.T) {
	v.restart(rapid.SampledFrom([]time.Duration{0, 3 * time.Second, 61 * time.Second, 2 * time.Hour}).Draw(t, "stopped"))
	if rapid.Bool().Draw(t, "due") { // otherwise other inputs come first
		v.advance(0)
	}
}

func (v *vendors) toggleReachable(t *rapid.T) {
	ch := rapid.SampledFrom([]string{"desk", "night"}).Draw(t, "channel")
	v.unreachable[ch] = !v.unreachable[ch]
}

func (v *vendors) reloadPolicy(t *rapid.T) {
	name := rapid.SampledFrom([]string{"night", "old", "audit"}).Draw(t, "channel")
	v.revise(func(channels map[string]*Channel) {
		if channels[name] != nil {
			delete(channels, name)
		} else {
			channels[name] = testPolicy(t).Channels[name]
		}
	})
	if rapid.Bool().Draw(t, "adapt") { // otherwise the next input adapts the conversation
		v.adaptAll()
	}
}

func (v *vendors) replayDeadLetter(t *rapid.T) {
	dead := v.state.DeadLetters()
	if len(dead) == 0 {
		t.Skip("no dead letters")
	}
	slices.SortFunc(dead, func(a, b *state.DeadLetter) int { return strings.Compare(a.Delivery.ID, b.Delivery.ID) })
	id := dead[rapid.IntRange(0, len(dead)-1).Draw(t, "dead letter")].Delivery.ID
	v.transact(func(tx *Transaction) { _, _, _ = tx.ReplayDeadLetter(id) })
}

// moveCursor moves the cursor of a channel's subscription.
func (v *vendors) moveCursor(t *rapid.T) {
	ch := rapid.SampledFrom([]string{"web", "desk"}).Draw(t, "channel")
	cursor := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "cursor")
	v.transact(func(tx *Transaction) { tx.MoveCursor(ch, []byte(cursor)) })
	if got := string(v.state.Cursor(ch)); got != cursor {
		t.Fatalf("cursor of %s is %q, want %q", ch, got, cursor)
	}
}

func (v *vendors) endDeadLetter(t *rapid.T) {
	dead := v.state.DeadLetters()
	if len(dead) == 0 {
		t.Skip("no dead letters")
	}
	l := dead[rapid.IntRange(0, len(dead)-1).Draw(t, "dead letter")]
	if rapid.Bool().Draw(t, "expire") {
		v.transact(func(tx *Transaction) { tx.ExpireDeadLetters(l.At.Add(1), 0) })
	} else {
		v.transact(func(tx *Transaction) { _ = tx.DropDeadLetter(l.Delivery.ID) })
	}
	if v.state.DeadLetter(l.Delivery.ID) != nil {
		t.Fatalf("dead letter %s is still kept", l.Delivery.ID)
	}
}

// command gives an operator's command, which may be refused.
func (v *vendors) command(t *rapid.T) {
	var ids []string
	v.state.All(func(c *state.Conversation) bool { ids = append(ids, c.ID); return true })
	if len(ids) == 0 {
		t.Skip("no conversation")
	}
	cmd := &Command{
		Name: rapid.SampledFrom([]string{"close", "pass", "pass", "home", "note"}).Draw(t, "command"), User: "ann",
		Reason: "as the test says", Channel: rapid.SampledFrom([]string{"faq", "old", "desk", "night", "web"}).Draw(t, "to"),
	}
	id := rapid.SampledFrom(sorted(ids)).Draw(t, "conversation")
	v.transact(func(tx *Transaction) { _ = tx.Command(id, cmd) })
}

func (v *vendors) pause(t *rapid.T) {
	name := rapid.SampledFrom([]string{"desk", "night", "faq"}).Draw(t, "channel")
	pause := rapid.Bool().Draw(t, "pause")
	v.transact(func(tx *Transaction) { tx.PauseChannel(name, pause, &Command{Name: "pause", Channel: name}) })
}

// TestInvariantsHoldForAnyInputs generates inputs in any order. After each record the harness checks that a restore has
// the same result. The model checks that each message has one status, that messages are fenced and ordered, that epochs
// count the changes of owner, that at most one offer is pending, that timers are due in time, and which messages a next
// owner gets again. The test logs the number of steps. The flags -rapid.checks and -rapid.steps set the number of runs
// and the number of steps in each run.
func TestInvariantsHoldForAnyInputs(t *testing.T) {
	steps := 0
	defer func() { t.Logf("%d steps", steps) }()
	rapid.Check(t, func(t *rapid.T) {
		p := testPolicy(t, propertyRules()...)
		p.Bounces = rapid.SampledFrom([]int{0, 3}).Draw(t, "bounces")
		for _, name := range rapid.SampledFrom([][]string{nil, {"faq", "desk"}, {"old", "web", "audit"}}).Draw(t, "blocking") {
			p.Channels[name].Block = true
		}
		overlaps := rapid.SampledFrom([]Overlap{OverlapSend, OverlapQueue, OverlapMerge})
		p.Channels["faq"].Overlap, p.Channels["old"].Overlap = overlaps.Draw(t, "faq"), overlaps.Draw(t, "old")
		v := &vendors{harness: newHarness(t, p), channelThreads: map[string][]string{}, unreachable: map[string]bool{}}
		p.Reachable = func(ch string, _ time.Duration) bool { return !v.unreachable[ch] }
		t.Repeat(map[string]func(*rapid.T){
			"customer": v.customerMessage, "customer again": v.customerMessage, "typing": v.customerTyping,
			"customer leaves":  v.customerLeaves,
			"handover request": v.handoverRequested,
			"bot or agent":     v.botOrAgentEnvelope, "bot or agent again": v.botOrAgentEnvelope,
			"start": v.startCall, "start again": v.startCall, "start more": v.startCall,
			"finish": v.finishCall, "finish again": v.finishCall, "finish more": v.finishCall,
			"batch": v.severalInputs, "time": v.advanceTime, "reachability": v.toggleReachable, "reload": v.reloadPolicy,
			"restart":            v.restartGateway,
			"replay dead letter": v.replayDeadLetter,
			"end dead letter":    v.endDeadLetter, "cursor": v.moveCursor, "command": v.command, "pause": v.pause,
			"": func(*rapid.T) { steps++ },
		})
	})
}
