package serve

import (
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// A vendor may refuse a message with control characters, or cut it at a NUL. Texts and names that a customer or
// another vendor wrote are therefore cleaned here, before an adapter translates them.

// cleanDelivery removes control characters from the texts of a delivery and its history. Names become one line. Blank
// texts become empty. Attributes stay as they are, because they may contain data such as JSON.
func cleanDelivery(d *sdk.Delivery) {
	cleanEnvelope(d.Envelope)
	for _, e := range d.History {
		cleanEnvelope(e)
	}
	for _, a := range d.Media {
		if a != nil {
			a.ContentType, a.Name = text.OneLine(a.ContentType), text.OneLine(a.Name)
		}
	}
}

func cleanEnvelope(e *envelope.Envelope) {
	e.Sender.Name = text.OneLine(e.Sender.Name)
	for i := range e.Parts {
		p := &e.Parts[i]
		if p.Text = text.WithoutControls(p.Text); text.IsBlank(p.Text) {
			p.Text = ""
		}
		p.ContentType, p.Name = text.OneLine(p.ContentType), text.OneLine(p.Name)
		for j := range p.Items {
			p.Items[j] = text.WithoutControls(p.Items[j])
		}
	}
}

// cleanOpen removes control characters from the texts of a request to open a conversation.
func cleanOpen(o *sdk.OpenRequest) {
	o.Customer.Name, o.Reason = text.OneLine(o.Customer.Name), text.WithoutControls(o.Reason)
}
