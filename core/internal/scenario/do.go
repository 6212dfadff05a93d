package scenario

import (
	"context"
	"fmt"
	"slices"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// Do performs a step.
func (w *World) Do(_ context.Context, s *conversationtest.Step) (*conversationtest.Observed, error) {
	if err := w.wait(s); err != nil {
		return nil, err
	}
	var message *journal.Position
	var err error
	switch {
	case s.From != "":
		message, err = w.receive(s)
	case s.Channel != "":
		w.calls[s.Channel] = channelCalls{s.Calls, s.Reason}
	case s.Operator != "":
		err = w.command(s)
	}
	if err == nil {
		err = w.settle()
	}
	if err != nil {
		return nil, err
	}
	return w.observe(w.customer(s.Customer), message), nil
}

func (w *World) customer(name string) *customer {
	c := w.customers[name]
	if c == nil {
		c = &customer{name: name, threads: map[string][]string{}, observed: len(w.records)}
		w.customers[name] = c
	}
	return c
}

// receive receives the envelope of a step. It returns the position of the envelope in the log.
func (w *World) receive(s *conversationtest.Step) (*journal.Position, error) {
	ch := w.policy.Channels[s.From]
	if ch == nil {
		return nil, fmt.Errorf("there is no channel %q", s.From)
	}
	e, err := w.envelope(s, ch)
	if err != nil {
		return nil, err
	}
	data, err := protocol.EncodeEnvelope(e)
	if err != nil {
		return nil, fmt.Errorf("encode the message: %w", err)
	}
	in := &inbound.Envelope{Channel: ch.Name, Envelope: e, Bytes: data}
	verdict := conversation.VerdictBusy
	before := len(w.records)
	w.transact(func(tx *conversation.Transaction) { verdict = tx.Receive(in) })
	if verdict != conversation.VerdictAccepted || len(w.records) == before {
		return nil, fmt.Errorf("the gateway does not accept the message now: too many messages wait")
	}
	return &journal.Position{Seq: uint64(len(w.records))}, nil // the first envelope of the record
}

func (w *World) envelope(s *conversationtest.Step, ch *conversation.Channel) (*envelope.Envelope, error) {
	c := w.customer(s.Customer)
	e := &envelope.Envelope{
		Channel: ch.Name, Kind: envelope.KindMessage, Sender: envelope.Sender{Role: ch.Role, ID: ch.Name, Name: ch.Name},
		Attributes: map[string]string{},
	}
	if ch.Role == envelope.RoleCustomer {
		c.channel, e.Thread, e.Sender.ID, e.Sender.Name = ch.Name, c.name, c.name, c.name
	} else {
		var err error
		if e.Thread, err = c.thread(s); err != nil {
			return nil, err
		}
	}
	if s.SenderID != "" {
		e.Sender.ID = s.SenderID
	}
	if s.SenderName != "" {
		e.Sender.Name = s.SenderName
	}
	if s.SenderRole != "" {
		e.Sender.Role = envelope.Role(s.SenderRole)
	}
	if s.Event != "" {
		e.Kind = envelope.Kind(s.Event)
	}
	for name, value := range s.Attributes {
		e.Attributes[name] = value
	}
	if s.Reason != "" {
		e.Attributes["reason"] = s.Reason
	}
	if s.Text != "" {
		e.Parts = append(e.Parts, envelope.TextPart(s.Text))
	}
	for _, part := range s.Parts {
		e.Parts = append(e.Parts, partOf(part))
	}
	return e, nil
}

// partOf returns a valid part of a type other than text.
func partOf(t string) envelope.Part {
	p := envelope.Part{Type: envelope.PartType(t), Name: t}
	switch p.Type {
	case envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile:
		p.URL = "https://example.com/" + t
	case envelope.PartSuggestions:
		p.Items = []string{"suggestion"}
	}
	return p
}

// thread returns the thread of the step's channel that the step selects, by default the newest one.
func (c *customer) thread(s *conversationtest.Step) (string, error) {
	list := c.threads[s.From]
	switch {
	case len(list) == 0:
		return "", fmt.Errorf("%s has no conversation with %s: the gateway has not opened one", s.From, c.name)
	case s.Thread > len(list):
		return "", fmt.Errorf("%s has %d conversations with %s, not %d", s.From, len(list), c.name, s.Thread)
	case s.Thread > 0:
		return list[s.Thread-1], nil
	}
	return list[len(list)-1], nil
}

// command runs an operator's command.
func (w *World) command(s *conversationtest.Step) error {
	cmd := &conversation.Command{Name: s.Operator, User: "test", Reason: "test", Channel: s.To}
	var err error
	w.transact(func(tx *conversation.Transaction) {
		if slices.Contains([]string{"pause", "resume"}, s.Operator) {
			tx.PauseChannel(s.To, s.Operator == "pause", cmd)
			return
		}
		err = tx.Command(w.customer(s.Customer).conversation, cmd)
	})
	return err
}
