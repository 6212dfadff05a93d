package conversation

import (
	"cmp"

	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// say sends a notice to the customer, in the customer's language. Cause is the id of the envelope that caused it. If
// the notice is blank with the values of this customer, it is not sent.
func (tx *Transaction) say(c *state.Conversation, notice *route.Say, cause string) {
	ch := tx.policy.Channels[c.Channel]
	if ch == nil {
		return
	}
	values := &route.Values{
		Language:     c.Attributes[cmp.Or(tx.policy.Language, DefaultLanguage)],
		CustomerName: c.SenderName, OwnerTitle: tx.policy.title(c.Owner), Attributes: c.Attributes,
	}
	said := notice.Render(values)
	if text.IsBlank(said) {
		return
	}
	it := tx.storeSystem(c, &envelope.Envelope{
		Kind: envelope.KindMessage, Parts: []envelope.Part{envelope.TextPart(said)}, Cause: cause,
	})
	tx.send(c, ch, it, sendOptions{})
}

// title returns the title of a channel, which customers may see, or "".
func (p *Policy) title(channel string) string {
	if ch := p.Channels[channel]; ch != nil {
		return ch.Title
	}
	return ""
}
