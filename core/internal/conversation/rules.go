package conversation

import (
	"cmp"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// message is a message that rules decide on.
type message struct {
	channel    string
	role       envelope.Role
	envelope   *envelope.Envelope
	pos        state.Position
	item       state.Item
	toCustomer bool // the default path leads to the customer, not to the owner
}

// event is an event that rules decide on.
type event struct {
	channel   string // subject of the event
	role      envelope.Role
	item      state.Item // the envelope that caused it, if any
	id        string     // of this envelope, if an earlier record contains it
	reason    string
	after     time.Duration // of a timer
	ownerLeft bool          // the event is the departure of the owner: the bounce limit does not apply
}

// routeMessage runs the rules for a message, and sends the message. The order is: set, home, pass or offer, the
// message, copy, say, close.
func (tx *Transaction) routeMessage(c *state.Conversation, m *message) {
	f := tx.facts(c, route.EventMessage, m.channel, m.role)
	addMessage(f, m.envelope)
	steps := tx.runRules(c, f, m.pos)
	switch r := finalRule(steps); {
	case r != nil && r.Drop: // before control moves, so that the message is not reclaimed
		tx.dispose(c.ID, m.pos, m.channel, state.StatusDropped, "rule", r.Name)
	case m.toCustomer && (r == nil || r.To != route.ToOwner):
		tx.answer(c, m) // before control moves: messages that then go to the next owner need another answer
	}
	rule, happened := tx.applyControl(c, steps, handoverByRule)
	decision := state.Decision{Status: state.StatusUnrouted}
	switch {
	case rule != nil && rule.Drop:
		decision.Status = state.StatusDropped
	case rule != nil && rule.To == route.ToCustomer && !m.toCustomer:
		tx.dispose(c.ID, m.pos, m.channel, state.StatusUnrouted, "a message is not sent back to its sender", rule.Name)
	case m.toCustomer && (rule == nil || rule.To != route.ToOwner):
		decision = tx.sendToCustomer(c, m)
	default:
		decision = tx.sendOrHold(c, m)
	}
	tx.sendCopies(c, steps, envelope.KindMessage, m.item, decision)
	if rule != nil && happened && rule.Say.IsSet() {
		tx.say(c, &rule.Say, m.envelope.ID)
	}
}

func (tx *Transaction) facts(c *state.Conversation, ev route.Event, channel string, role envelope.Role) *route.Facts {
	f := &route.Facts{
		Event: ev, Channel: channel, Role: role, SenderID: c.SenderID, SenderName: c.SenderName, Owner: c.Owner,
		Home: c.Home, Customer: c.Channel, Handovers: int64(c.Handovers), Age: tx.at.Sub(c.Created),
		Attributes: c.Attributes, Open: tx.isOpen, CustomerID: cmp.Or(c.SenderID, c.Thread),
		Now: tx.at.In(tx.policy.zone()), Done: tx.events.done,
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

// runRules runs the rules. It records the rules that matched, and the facts that neither the state nor the envelope
// contains, so that RecordedFacts returns the same facts.
func (tx *Transaction) runRules(c *state.Conversation, f *route.Facts, pos state.Position) []route.Step {
	table := tx.policy.Routes
	if table.Rules() == 0 {
		return nil
	}
	r := &journal.Routed{
		Event: string(f.Event), Position: pos.Proto(), Channel: f.Channel, Reason: f.Reason, Done: table.Names(f.Done),
		After: int64(f.After),
	}
	f.Open = recordOpen(f.Open, r)
	d := table.Decide(f)
	for _, s := range d.Steps {
		r.Rules = append(r.Rules, s.Rule.Name)
		if tx.events.done == nil {
			tx.events.done = map[int]bool{}
		}
		tx.events.done[s.Index] = true
	}
	for _, e := range d.Errors {
		r.Errors = append(r.Errors, e.Rule+": "+e.Err.Error())
	}
	tx.add(c.ID, &journal.Change_Routed{Routed: r})
	return d.Steps
}

// applyControl applies the effects on attributes, home and control, and requests a close. It returns the final rule,
// and false if this rule should have moved control or made an offer, but did not.
func (tx *Transaction) applyControl(c *state.Conversation, steps []route.Step, how handoverKind) (*route.Rule, bool) {
	for _, s := range steps {
		if len(s.Rule.Set) > 0 {
			tx.add(c.ID, &journal.Change_Attributed{Attributed: &journal.Attributed{Attributes: s.Rule.Set}})
		}
	}
	rule := finalRule(steps)
	if rule == nil {
		return nil, true
	}
	happened := true
	if rule.Home != "" && rule.Home != c.Home {
		atHome := c.Owner == c.Home
		tx.add(c.ID, &journal.Change_HomeMoved{HomeMoved: &journal.HomeMoved{Home: rule.Home}})
		if atHome && rule.Pass == "" && rule.Offer == nil {
			happened = tx.pass(c, rule.Home, rule.Name, how)
		}
	}
	switch {
	case rule.Pass != "":
		happened = tx.pass(c, rule.Pass, rule.Name, how)
	case rule.Offer != nil:
		happened = tx.offer(c, rule.Offer, rule.Name, how)
	case rule.Close:
		tx.requestClose(c, rule.Name)
	}
	return rule, happened
}

// finalRule returns the matching rule that ended the run of the rules, or nil if all rules were run.
func finalRule(steps []route.Step) *route.Rule {
	if n := len(steps); n > 0 && !steps[n-1].Rule.Continue {
		return steps[n-1].Rule
	}
	return nil
}
