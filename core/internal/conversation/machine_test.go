package conversation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// machineRules are what customers and bots of the machine can bring about, by word.
func machineRules() []route.Rule {
	word := func(w string) string { return fmt.Sprintf("text == %q", w) }
	loose := route.NewOffer("night")
	loose.Hold = false
	other := route.NewOffer("night", "desk")
	other.Within, other.Else = 10*time.Second, "old"
	return []route.Rule{
		{Name: "wanted", Events: []route.Event{route.EventHandoverRequested}, When: `owner == "faq"`, Offer: route.NewOffer("night")},
		{Name: "observe", Copy: []string{"audit"}, When: word("copy"), Continue: true},
		{Name: "mark", Set: map[string]string{"tier": "gold"}, When: word("copy"), Continue: true},
		{Name: "human", From: []string{"customer"}, When: word("human"), Offer: route.NewOffer("desk"), Say: "Moment."},
		{Name: "anybody", From: []string{"customer"}, When: word("anybody"), Offer: other},
		{Name: "loose", From: []string{"customer"}, When: word("loose"), Offer: loose},
		{Name: "to-bot", From: []string{"customer"}, When: word("bot"), Offer: route.NewOffer("faq", "old")},
		{Name: "to-old", From: []string{"customer"}, When: word("old"), Pass: "old"},
		{Name: "to-faq", When: word("faq"), Pass: "faq"},
		{Name: "to-desk", When: word("desk"), Pass: "desk"},
		{Name: "move-home", From: []string{"customer"}, When: word("home"), Home: "old"},
		{Name: "spam", When: word("spam"), Drop: true},
		{Name: "bye", From: []string{"customer"}, When: word("bye"), Close: true, Say: "Bye."},
		{Name: "enough", From: []string{"customer"}, When: word("enough"), Close: true, Drop: true},
		{Name: "done", From: []string{"bot", "agent"}, When: word("done"), Close: true},
		{Name: "gave-up", Events: []route.Event{route.EventOfferFailed}, From: []string{"night"}, When: "handovers > 1", Close: true},
		{Name: "bot-asks", From: []string{"bot"}, When: word("help"), Offer: route.NewOffer("desk", "night")},
		{Name: "left", Events: []route.Event{route.EventDisconnected}, From: []string{"desk"}, Say: "Back.", Pass: route.Home},
		{Name: "left-night", Events: []route.Event{route.EventDisconnected}, From: []string{"night"}, Offer: route.NewOffer("desk")},
		{Name: "nobody", Events: []route.Event{route.EventOfferFailed}, Say: "Nobody is free."},
	}
}

// world is the vendors' side: what is in flight, and which threads exist.
type world struct {
	*stage
	flying  []flight
	threads map[string][]string // by channel
	opened  int
	closed  map[string]bool // channels that can't be reached
	sent    int
}

// flight is a call that a vendor is busy with.
type flight struct {
	conv   string
	d      state.Delivery
	thread string
}

var (
	customerWords = []string{
		"hi", "human", "anybody", "loose", "bot", "old", "faq", "desk", "home", "spam", "copy", "bye", "enough",
		strings.Repeat("a long story with many words ", 6),
	}
	farWords = []string{"answer", "help", "spam", "desk", "faq", "copy", "done"}
)

func (w *world) customerSpeaks(t *rapid.T) {
	m := say{channel: "web", thread: rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "customer")}
	m.text = rapid.SampledFrom(customerWords).Draw(t, "text")
	w.sent++
	m.id = fmt.Sprintf("v%d", w.sent-rapid.IntRange(0, 1).Draw(t, "repeat"))
	w.in(m)
}

func (w *world) customerTypes(t *rapid.T) {
	w.in(say{channel: "web", thread: "w1", kind: envelope.KindTyping})
}

// customerHandsOver is a vendor that asks for a person, with or without what was said before.
func (w *world) customerHandsOver(t *rapid.T) {
	w.in(say{
		channel: "web", thread: rapid.SampledFrom([]string{"w1", "w2"}).Draw(t, "customer"), kind: envelope.KindHandoverRequested,
		text: rapid.SampledFrom([]string{"", "what was said before", strings.Repeat("a long dialogue ", 10)}).Draw(t, "transcript"),
	})
}

func (w *world) farSideSpeaks(t *rapid.T) {
	channels := sorted(slices.Collect(maps.Keys(w.threads)))
	if len(channels) == 0 {
		t.Skip("no thread")
	}
	channel := rapid.SampledFrom(channels).Draw(t, "channel")
	threads := w.threads[channel]
	i := len(threads) - 1 - rapid.IntRange(0, min(2, len(threads)-1)).Draw(t, "back")
	m := say{channel: channel, thread: threads[i]}
	if ago := rapid.IntRange(0, 4).Draw(t, "ago"); ago < 4 { // else the vendor has no clock
		m.sent = w.now.Add(-time.Duration(ago) * time.Second)
	}
	kinds := []envelope.Kind{"", "", "", envelope.KindTyping, envelope.KindHandoverRequested}
	if w.policy.Channels[channel] != nil && w.policy.Channels[channel].Role == envelope.RoleAgent {
		kinds = []envelope.Kind{"", "", envelope.KindConnected, envelope.KindDisconnected}
	}
	if m.kind = rapid.SampledFrom(kinds).Draw(t, "kind"); m.kind == "" {
		m.text = rapid.SampledFrom(farWords).Draw(t, "text")
	}
	w.in(m)
}

// start takes the head of an idle lane into flight. A vendor that is asked to open knows the thread at once, so it
// may speak before its answer is recorded.
func (w *world) start(t *rapid.T) {
	var idle []flight
	w.state.All(func(c *state.Conversation) bool {
		for _, l := range c.Lanes {
			busy := slices.ContainsFunc(w.flying, func(f flight) bool { return f.conv == c.ID && f.d.Channel == l.Channel })
			if !busy {
				idle = append(idle, flight{conv: c.ID, d: l.Queue[0]})
			}
		}
		return true
	})
	if len(idle) == 0 {
		t.Skip("nothing waits")
	}
	slices.SortFunc(idle, func(a, b flight) int { return strings.Compare(a.d.ID, b.d.ID) })
	f := rapid.SampledFrom(idle).Draw(t, "delivery")
	c := w.state.Conversation(f.conv)
	switch th := c.Threads[f.d.Channel]; {
	case f.d.Thread != "":
		f.thread = f.d.Thread
	case f.d.Kind == state.KindOpen && f.d.Channel == "night": // a desk whose thread is the customer's id
		f.thread = "night-" + c.CustomerID()[:6]
	case f.d.Kind == state.KindOpen:
		w.opened++
		f.thread = fmt.Sprintf("%s-%d", f.d.Channel, w.opened)
	case th == nil:
		t.Fatalf("%s is to be delivered to %s, which has no thread:\n%s", w.line(&f.d), f.d.Channel, w.lanesOf(f.conv))
	default:
		f.thread = th.ID
	}
	if !slices.Contains(w.threads[f.d.Channel], f.thread) {
		w.threads[f.d.Channel] = append(w.threads[f.d.Channel], f.thread)
	}
	w.flying = append(w.flying, f)
}

func (w *world) finish(t *rapid.T) {
	if len(w.flying) == 0 {
		t.Skip("nothing in flight")
	}
	i := rapid.IntRange(0, len(w.flying)-1).Draw(t, "flight")
	f := w.flying[i]
	w.flying = slices.Delete(w.flying, i, i+1)
	o := delivery.Outcome{Thread: f.thread}
	o.Result = rapid.SampledFrom([]delivery.Result{
		delivery.ResultDelivered, delivery.ResultDelivered, delivery.ResultDelivered, delivery.ResultDelivered, delivery.ResultRetry, delivery.ResultDead, delivery.ResultDeclined, delivery.ResultGone,
	}).Draw(t, "outcome")
	if o.Result != delivery.ResultDelivered {
		o.Error, o.Text, o.Reason, o.Next = "transient", "no luck", "busy", w.now.Add(time.Second)
	}
	bot := f.d.Channel == "faq" || f.d.Channel == "old"
	if f.d.Kind == state.KindOpen && bot {
		o.Accepted = true
	}
	if bot && f.d.Kind == state.KindSend && o.Result == delivery.ResultDelivered && rapid.Bool().Draw(t, "replies") {
		o.Replies = []*inbound.Envelope{w.inbound(say{channel: f.d.Channel, thread: f.thread, text: rapid.SampledFrom(farWords).Draw(t, "reply")})}
	}
	w.result(f.d, o)
}

// several lets several inputs come at once: they share a record.
func (w *world) several(t *rapid.T) {
	w.together(func() {
		for range rapid.IntRange(2, 4).Draw(t, "inputs") {
			switch what := rapid.IntRange(0, 2).Draw(t, "input"); {
			case what == 0 && len(w.flying) > 0:
				w.finish(t)
			case what == 1 && len(w.threads) > 0:
				w.farSideSpeaks(t)
			default:
				w.customerSpeaks(t)
			}
		}
	})
}

// String keeps the log of a failed run short.
func (f flight) String() string { return f.d.Kind + " " + f.d.Channel + " " + f.d.ID }

// GoString is String.
func (f flight) GoString() string { return f.String() }

func (w *world) time(t *rapid.T) {
	w.wait(rapid.SampledFrom([]time.Duration{time.Second, 6 * time.Second, 61 * time.Second, closedRetention, 2 * time.Hour}).Draw(t, "time"))
}

func (w *world) reachability(t *rapid.T) {
	ch := rapid.SampledFrom([]string{"desk", "night"}).Draw(t, "channel")
	w.closed[ch] = !w.closed[ch]
}

func (w *world) reload(t *rapid.T) {
	p := *w.policy
	p.Channels = map[string]*Channel{}
	for name, ch := range w.policy.Channels {
		p.Channels[name] = ch
	}
	name := rapid.SampledFrom([]string{"night", "old", "audit"}).Draw(t, "channel")
	if p.Channels[name] != nil {
		delete(p.Channels, name)
	} else {
		p.Channels[name] = testPolicy(t).Channels[name]
	}
	p.Revision++
	w.policy = &p
	w.turn(func(tx *Transaction) {
		for _, id := range Inconsistent(w.state, w.policy) {
			tx.Reconcile(id)
		}
	})
}

func (w *world) replayLetter(t *rapid.T) {
	letters := w.state.DeadLetters()
	if len(letters) == 0 {
		t.Skip("no dead letters")
	}
	slices.SortFunc(letters, func(a, b *state.DeadLetter) int { return strings.Compare(a.Delivery.ID, b.Delivery.ID) })
	id := letters[rapid.IntRange(0, len(letters)-1).Draw(t, "letter")].Delivery.ID
	w.turn(func(tx *Transaction) { _, _, _ = tx.ReplayDeadLetter(id) })
}

// listens moves the cursor of a channel, as an adapter that polls does.
func (w *world) listens(t *rapid.T) {
	ch := rapid.SampledFrom([]string{"web", "desk"}).Draw(t, "channel")
	cursor := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "cursor")
	w.turn(func(tx *Transaction) { tx.MoveCursor(ch, []byte(cursor)) })
	if got := string(w.state.Cursor(ch)); got != cursor {
		t.Fatalf("cursor of %s is %q, want %q", ch, got, cursor)
	}
}

func (w *world) loseLetter(t *rapid.T) {
	letters := w.state.DeadLetters()
	if len(letters) == 0 {
		t.Skip("no dead letters")
	}
	l := letters[rapid.IntRange(0, len(letters)-1).Draw(t, "letter")]
	if rapid.Bool().Draw(t, "expire") {
		w.turn(func(tx *Transaction) { tx.ExpireDeadLetters(l.At.Add(1), 0) })
	} else {
		w.turn(func(tx *Transaction) { _ = tx.DropDeadLetter(l.Delivery.ID) })
	}
	if w.state.DeadLetter(l.Delivery.ID) != nil {
		t.Fatalf("dead letter %s is still kept", l.Delivery.ID)
	}
}

// TestAnyHistory lets customers, bots, desks, time and operators do anything in any order. The stage checks
// after each step that a replay gives the same state, and the ledger that each message is in one place, that the
// fence holds, that order holds and that epochs count the changes of owner.
func TestAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := testPolicy(t, machineRules()...)
		p.Bounces = rapid.SampledFrom([]int{0, 3}).Draw(t, "bounces")
		w := &world{stage: newStage(t, p), threads: map[string][]string{}, closed: map[string]bool{}}
		p.Reachable = func(ch string) bool { return !w.closed[ch] }
		t.Repeat(map[string]func(*rapid.T){
			"customer": w.customerSpeaks, "customer again": w.customerSpeaks, "typing": w.customerTypes, "hands over": w.customerHandsOver,
			"far side": w.farSideSpeaks, "far side again": w.farSideSpeaks,
			"start": w.start, "start again": w.start, "start more": w.start,
			"finish": w.finish, "finish again": w.finish, "finish more": w.finish,
			"batch": w.several, "time": w.time, "reachability": w.reachability, "reload": w.reload, "replay letter": w.replayLetter,
			"lose letter": w.loseLetter, "listens": w.listens,
		})
	})
}
