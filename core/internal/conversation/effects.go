package conversation

import (
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// about is a message on its way through the rules.
type about struct {
	channel    string
	role       envelope.Role
	envelope   *envelope.Envelope
	pos        Position
	item       Item
	toCustomer bool // its normal path
}

// aboutEvent is an event on its way through the rules.
type aboutEvent struct {
	channel string // whom it is about
	role    envelope.Role
	pos     Position // envelope that brought it, if any
	reason  string
	free    bool // the bounce limit does not hold: the owner has left
}

func (tx *Transaction) facts(c *Conversation, ev route.Event, channel string, role envelope.Role) *route.Facts {
	f := &route.Facts{
		Event: ev, Channel: channel, Role: role, SenderID: c.SenderID, SenderName: c.SenderName, Owner: c.Owner,
		Home: c.Home, Customer: c.Channel, Handovers: int64(c.Handovers), Age: tx.at.Sub(c.Created),
		Attributes: c.Attributes, Open: tx.policy.reachable, Conversation: c.ID,
	}
	if o := tx.policy.Channels[c.Owner]; o != nil {
		f.OwnerRole = o.Role
	}
	if c.Offer != nil {
		f.Pending = c.Offer.Target
	}
	if !c.UnansweredSince.IsZero() {
		f.Silence = tx.at.Sub(c.UnansweredSince)
	}
	return f
}

// decide runs the rules and notes what matched.
func (tx *Transaction) decide(c *Conversation, f *route.Facts, pos Position) []route.Step {
	d := tx.policy.Routes.Decide(f)
	if len(d.Steps) == 0 && len(d.Errors) == 0 {
		return nil
	}
	r := &journal.Routed{Event: string(f.Event), Position: pos.proto()}
	for _, s := range d.Steps {
		r.Rules = append(r.Rules, s.Rule.Name)
	}
	for _, e := range d.Errors {
		r.Errors = append(r.Errors, e.Rule+": "+e.Err.Error())
	}
	tx.add(c.ID, &journal.Change_Routed{Routed: r})
	return d.Steps
}

// message takes a message through the rules and then along its path. Order of effects: set, home,
// pass or offer, the message itself, copy, say.
func (tx *Transaction) message(c *Conversation, m *about) {
	f := tx.facts(c, route.EventMessage, m.channel, m.role)
	f.Text, f.SenderID, f.SenderName = m.envelope.Text(), m.envelope.Sender.ID, m.envelope.Sender.Name
	for i := range m.envelope.Parts {
		f.Parts = append(f.Parts, string(m.envelope.Parts[i].Type))
	}
	steps := tx.decide(c, f, m.pos)
	if stop := stopping(steps); stop != nil && stop.Drop { // before control moves, so that it does not travel along
		tx.dispose(c.ID, m.pos, m.channel, StatusDropped, "rule", stop.Name)
	}
	last := tx.control(c, steps, moveByRule)
	switch {
	case last != nil && last.Drop:
	case last != nil && last.To == route.ToCustomer && !m.toCustomer:
		tx.dispose(c.ID, m.pos, m.channel, StatusUnrouted, "nothing goes back to where it came from", last.Name)
	case m.toCustomer && (last == nil || last.To != route.ToOwner):
		tx.toCustomer(c, m)
	default:
		tx.toOwner(c, m)
	}
	tx.copies(c, steps, m.item)
	if last != nil && last.Say != "" {
		tx.say(c, last.Say, m.envelope.ID)
	}
}

// event takes an event through the rules. It reports whether a rule matched.
func (tx *Transaction) event(c *Conversation, kind route.Event, ev *aboutEvent) bool {
	if tx.depth >= maxDepth {
		tx.add(c.ID, &journal.Change_Routed{Routed: &journal.Routed{
			Event: string(kind), Errors: []string{"too many events out of one input; rules were not run"},
		}})
		return false
	}
	tx.depth++
	defer func() { tx.depth-- }()
	f := tx.facts(c, kind, ev.channel, ev.role)
	f.Reason = ev.reason
	steps := tx.decide(c, f, ev.pos)
	how := moveByRule
	if ev.free {
		how = moveFree
	}
	last := tx.control(c, steps, how)
	if last != nil && last.Say != "" {
		tx.say(c, last.Say, "")
	}
	return len(steps) > 0
}

// control applies what steps say about attributes, home and control, and returns the rule that stopped
// the pass, or nil.
func (tx *Transaction) control(c *Conversation, steps []route.Step, how move) *route.Rule {
	for _, s := range steps {
		if len(s.Rule.Set) > 0 {
			tx.add(c.ID, &journal.Change_Attributed{Attributed: &journal.Attributed{Attributes: s.Rule.Set}})
		}
	}
	last := stopping(steps)
	if last == nil {
		return nil
	}
	if last.Home != "" && last.Home != c.Home {
		atHome := c.Owner == c.Home
		tx.add(c.ID, &journal.Change_HomeMoved{HomeMoved: &journal.HomeMoved{Home: last.Home}})
		if atHome && last.Pass == "" && last.Offer == nil {
			tx.pass(c, last.Home, last.Name, how)
		}
	}
	switch {
	case last.Pass != "":
		tx.pass(c, last.Pass, last.Name, how)
	case last.Offer != nil:
		tx.offer(c, last.Offer, last.Name, how)
	case last.Close:
		tx.closeAfter(c, last.Name)
	}
	return last
}

// stopping returns the rule that stopped the pass, or nil.
func stopping(steps []route.Step) *route.Rule {
	if n := len(steps); n > 0 && !steps[n-1].Rule.Continue {
		return steps[n-1].Rule
	}
	return nil
}

// toOwner sends a customer's message to whoever has control, or lets it wait with the offer.
func (tx *Transaction) toOwner(c *Conversation, m *about) {
	if m.role != envelope.RoleCustomer {
		tx.dispose(c.ID, m.pos, m.channel, StatusUnrouted, "nothing goes back to where it came from", "")
		return
	}
	if c.Offer != nil && c.Offer.Hold {
		tx.add(c.ID, &journal.Change_Held{Held: &journal.Held{Item: m.item.proto()}})
		return
	}
	tx.follow(c, m.item, nil)
}

func (tx *Transaction) toCustomer(c *Conversation, m *about) {
	ch := tx.policy.Channels[c.Channel]
	if ch == nil {
		tx.dispose(c.ID, m.pos, m.channel, StatusUnrouted, "the customer's channel is not configured", "")
		return
	}
	tx.send(c, ch, m.item, sendOptions{})
}

// copies gives observers a copy each, in lanes of their own.
func (tx *Transaction) copies(c *Conversation, steps []route.Step, it Item) {
	sent := map[string]bool{}
	for _, s := range steps {
		for _, name := range s.Rule.Copy {
			if ch := tx.policy.Channels[name]; ch != nil && !sent[name] {
				sent[name] = true
				tx.send(c, ch, it, sendOptions{copy: true, reason: s.Rule.Name})
			}
		}
	}
}

// say speaks to the customer, in the customer's lane.
func (tx *Transaction) say(c *Conversation, text, cause string) {
	ch := tx.policy.Channels[c.Channel]
	if ch == nil {
		return
	}
	it := tx.speak(c, &envelope.Envelope{
		Kind: envelope.KindMessage, Parts: []envelope.Part{envelope.TextPart(text)}, Cause: cause,
	})
	tx.send(c, ch, it, sendOptions{})
}

// mark tells a channel about an event, if it wants to know.
func (tx *Transaction) mark(c *Conversation, ch *Channel, thread string, kind envelope.Kind, attrs map[string]string) {
	if ch == nil || !ch.Events[kind] {
		return
	}
	it := tx.speak(c, &envelope.Envelope{Kind: kind, Attributes: attrs})
	tx.send(c, ch, it, sendOptions{thread: thread})
}

// recent counts the moves of the last hour.
func (c *Conversation) recent(now time.Time) int {
	n := 0
	for _, m := range c.Moves {
		if now.Sub(m) < time.Hour {
			n++
		}
	}
	return n
}
