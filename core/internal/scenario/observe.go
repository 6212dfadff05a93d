package scenario

import (
	"maps"
	"slices"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// observer collects the changes of a customer's conversations.
type observer struct {
	*conversationtest.Observed
	world       *World
	customer    *customer
	message     *journal.Position // of the step's message; nil without one
	offerReason string            // reason of the last offer that failed
}

// observe returns the changes of a customer's conversations since the last call. Message is the position of the step's
// message, or nil.
func (w *World) observe(c *customer, message *journal.Position) *conversationtest.Observed {
	o := &observer{world: w, customer: c, message: message, Observed: &conversationtest.Observed{
		To: map[string][]conversationtest.Message{}, Events: map[string][]string{}, History: map[string][]string{},
	}}
	if message != nil {
		o.Message = conversationtest.MessageSent
	}
	for _, r := range w.records[min(c.observed, len(w.records)):] {
		for _, ch := range r.GetChanges() {
			if w.conversations[ch.GetConversation()] == c || ch.GetDisposed() != nil && ch.GetConversation() == "" {
				o.change(ch)
			}
		}
	}
	c.observed, o.Closed = len(w.records), c.closed
	if o.Reason == "" {
		o.Reason = o.offerReason
	}
	if conv := w.state.Conversation(c.conversation); conv != nil {
		o.state(conv)
	}
	return o.Observed
}

func (o *observer) state(c *state.Conversation) {
	o.Owner, o.Home, o.Attributes = c.Owner, c.Home, maps.Clone(c.Attributes)
	if c.Offer != nil {
		o.Offer = c.Offer.Target
	}
	for _, it := range c.Held {
		if o.message != nil && it.Pos.Seq == o.message.GetSeq() && it.Pos.Index == o.message.GetIndex() {
			o.Message = conversationtest.MessageHeld
		}
	}
}

func (o *observer) change(ch *journal.Change) {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Routed:
		o.Rules = append(o.Rules, k.Routed.GetRules()...)
	case *journal.Change_Ended:
		if k.Ended.GetStatus() == state.StatusDelivered {
			o.addDelivered(o.world.deliveries[k.Ended.GetDelivery()])
		}
	case *journal.Change_Passed:
		o.Reason = k.Passed.GetReason()
	case *journal.Change_OfferEnded:
		if k.OfferEnded.GetOutcome() != state.OfferAccepted {
			if o.offerReason = k.OfferEnded.GetReason(); o.offerReason == "" {
				o.offerReason = k.OfferEnded.GetOutcome()
			}
		}
	case *journal.Change_DeadLettered:
		o.Dead = append(o.Dead, conversationtest.Dead{
			Channel: k.DeadLettered.GetDelivery().GetChannel(), Error: k.DeadLettered.GetError(),
		})
	case *journal.Change_Opened:
		o.customer.closed = ""
	case *journal.Change_Closing:
		o.customer.closed = k.Closing.GetRule()
	case *journal.Change_Disposed:
		p := k.Disposed.GetPosition()
		if o.message != nil && p.GetSeq() == o.message.GetSeq() && p.GetIndex() == o.message.GetIndex() {
			o.Message = k.Disposed.GetStatus()
		}
	}
}

// addDelivered adds a delivery that a channel received.
func (o *observer) addDelivered(d *journal.Delivery) {
	channel := d.GetChannel()
	for _, it := range d.GetHistory() {
		o.History[channel] = append(o.History[channel], o.world.envelopeAt(it.GetPosition()).Text())
	}
	switch d.GetKind() {
	case state.KindOpen:
		o.Events[channel] = append(o.Events[channel], "open")
		return
	case state.KindTranscript:
		return
	}
	e := o.world.envelopeAt(d.GetItem().GetPosition())
	if e.Kind != envelope.KindMessage {
		o.Events[channel] = append(o.Events[channel], string(e.Kind))
		return
	}
	text := e.Text()
	for _, it := range d.GetJoined() {
		text += "\n" + o.world.envelopeAt(it.GetPosition()).Text()
	}
	m := conversationtest.Message{Text: text, Parts: typesOf(e), Attributes: o.attributes(e)}
	if d.GetCopy() {
		m.Decision, m.Rule = d.GetDecision(), d.GetReason()
	}
	o.To[channel] = append(o.To[channel], m)
	if e.Sender.Role == envelope.RoleSystem && channel == o.customer.channel {
		o.Notices = append(o.Notices, m.Text)
	}
}

// attributes returns the attributes that a delivery carries: those of the conversation and of the envelope.
func (o *observer) attributes(e *envelope.Envelope) map[string]string {
	out := map[string]string{}
	if c := o.world.state.Conversation(o.customer.conversation); c != nil {
		maps.Copy(out, c.Attributes)
	}
	maps.Copy(out, e.Attributes)
	return out
}

// typesOf returns the types of the parts other than text.
func typesOf(e *envelope.Envelope) []string {
	var out []string
	for i := range e.Parts {
		if t := string(e.Parts[i].Type); e.Parts[i].Type != envelope.PartText && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}
