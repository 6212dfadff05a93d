package lane

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/writer"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// compose builds the call of a job. It returns nil without an error if there is nothing to send.
func (e *Engine) compose(ctx context.Context, t *task) (call *pluginpb.DeliverCall, degraded string, err error) {
	d := &t.job.Delivery
	call = &pluginpb.DeliverCall{Channel: d.Channel, Key: d.ID, Attempt: int32(d.Attempts) + 1}
	switch d.Kind {
	case conversation.KindOpen:
		call.Action = &pluginpb.DeliverCall_Open{Open: open(t.job)}
		return call, "", nil
	case conversation.KindTranscript:
		send, err := e.transcript(ctx, t)
		if send == nil || err != nil {
			return nil, "", err
		}
		call.Action = &pluginpb.DeliverCall_Send{Send: send}
		return call, "", nil
	}
	send, degraded, err := e.send(ctx, t)
	if send == nil || err != nil {
		return nil, "", err
	}
	call.Action = &pluginpb.DeliverCall_Send{Send: send}
	return call, degraded, nil
}

func open(j *writer.Job) *pluginpb.OpenAction {
	c := j.Conv
	return &pluginpb.OpenAction{
		Conversation: c.ID, Epoch: j.Delivery.Epoch, Offer: j.Delivery.Offer, Reason: j.Delivery.Reason, Attributes: c.Attributes,
		Customer:   &pluginpb.Sender{Role: string(envelope.RoleCustomer), Id: c.SenderID, Name: c.SenderName},
		CustomerId: conversation.CustomerID(c),
	}
}

// send builds the delivery of one envelope. What the channel can't carry is degraded: media become a line of
// text that names them.
func (e *Engine) send(ctx context.Context, t *task) (*pluginpb.SendAction, string, error) {
	d, c := &t.job.Delivery, t.job.Conv
	stored, err := e.Load(ctx, d.Item.Pos)
	if err != nil {
		return nil, "", err
	}
	a := assigned(stored, c)
	degraded := ""
	if d.Item.Rich || d.Pieces > 1 { // else the bytes go on as they are
		env, err := protocol.DecodeEnvelope(stored.GetEnvelope())
		if err != nil {
			return nil, "", fmt.Errorf("read envelope %s: %w", stored.GetId(), err)
		}
		if a.Text, degraded = reword(env, d, &t.ch.Channel); a.Text == "" && d.Pieces > 1 {
			return nil, "", nil
		}
	}
	send := &pluginpb.SendAction{Thread: t.job.Thread, State: t.job.State, Envelope: stored.GetEnvelope(), Assigned: a}
	for _, it := range d.History {
		h, err := e.Load(ctx, it.Pos)
		if passing(err) {
			return nil, "", err
		}
		if err == nil { // what was purged is not part of the history any more
			send.History = append(send.History, h.GetEnvelope())
		}
	}
	return send, degraded, nil
}

// reword returns the words to send in place of the envelope's parts, "" if those go as they are, and what was lost.
func reword(env *envelope.Envelope, d *conversation.Delivery, ch *Channel) (text, lost string) {
	text, lost = degrade(env, ch)
	if d.Pieces <= 1 {
		return text, lost
	}
	if lost == "" {
		text, lost = words(env, func(p *envelope.Part) bool { return p.Type != envelope.PartText }) // pieces are text only
	}
	if lost == "" {
		text = env.Text()
	}
	return conversation.Piece(text, d.Piece, d.Pieces, ch.TextBytes), lost
}

func assigned(s writer.Stored, c *conversation.Conversation) *pluginpb.Assigned {
	return &pluginpb.Assigned{
		Id: s.GetId(), Conversation: c.ID, Epoch: s.GetEpoch(), AcceptedAt: timestamppb.New(s.At), Attributes: c.Attributes,
		Hops: s.GetHops() + 1,
	}
}

// degrade returns the envelope's content as text, and what was lost, if the channel can't carry all its parts.
func degrade(env *envelope.Envelope, ch *Channel) (text, lost string) {
	if env.Kind != envelope.KindMessage || ch.Parts == nil {
		return "", ""
	}
	return words(env, func(p *envelope.Part) bool { return !ch.Parts[p.Type] })
}

// words returns the envelope's content as text, and which parts lose by that, if there are any such parts.
func words(env *envelope.Envelope, loses func(*envelope.Part) bool) (text, lost string) {
	var kinds, lines []string
	for i := range env.Parts {
		p := &env.Parts[i]
		if loses(p) {
			kinds = append(kinds, string(p.Type))
		}
		lines = append(lines, line(p))
	}
	if len(kinds) == 0 {
		return "", ""
	}
	return strings.Join(lines, "\n"), "sent as text: " + strings.Join(kinds, ", ")
}

// line is a part in words.
func line(p *envelope.Part) string {
	switch p.Type {
	case envelope.PartText:
		return p.Text
	case envelope.PartSuggestions:
		return strings.Join(p.Items, " | ")
	case envelope.PartLocation:
		return strings.TrimSpace(fmt.Sprintf("[location] %g,%g %s", p.Latitude, p.Longitude, p.Text))
	}
	out := "[" + string(p.Type) + "]"
	for _, s := range []string{p.Name, p.Text, p.URL} {
		if s != "" {
			out += " " + s
		}
	}
	return out
}

// transcript builds one message out of what the channel has not yet seen: a line each, with who said it.
func (e *Engine) transcript(ctx context.Context, t *task) (*pluginpb.SendAction, error) {
	d, c := &t.job.Delivery, t.job.Conv
	var lines []string
	var last writer.Stored
	for _, it := range d.History {
		stored, err := e.Load(ctx, it.Pos)
		if passing(err) {
			return nil, err
		}
		if err != nil {
			continue
		}
		env, err := protocol.DecodeEnvelope(stored.GetEnvelope())
		if err != nil {
			continue
		}
		text := env.Text()
		if full, lost := degrade(env, &Channel{Parts: map[envelope.PartType]bool{envelope.PartText: true}}); lost != "" {
			text = full
		}
		lines = append(lines, speaker(env.Sender.Role)+": "+text)
		last = stored
	}
	text := conversation.Piece(strings.Join(lines, "\n"), d.Piece, d.Pieces, t.ch.TextBytes)
	if text == "" {
		return nil, nil
	}
	env := &envelope.Envelope{
		Thread: t.job.Thread, Sender: envelope.Sender{Role: envelope.RoleSystem}, Kind: envelope.KindMessage,
		Parts: []envelope.Part{envelope.TextPart(text)}, Attributes: map[string]string{"transcript": "true"},
	}
	b, err := protocol.EncodeEnvelope(env)
	if err != nil {
		return nil, fmt.Errorf("encode transcript: %w", err)
	}
	a := assigned(last, c)
	a.Id = d.ID
	return &pluginpb.SendAction{Thread: t.job.Thread, State: t.job.State, Envelope: b, Assigned: a}, nil
}

// speaker names who said a line of a transcript; at most 14 bytes with the colon and the blank.
func speaker(r envelope.Role) string {
	switch r {
	case envelope.RoleCustomer:
		return "Customer"
	case envelope.RoleBot:
		return "Assistant"
	case envelope.RoleAgent:
		return "Agent"
	default:
		return "System"
	}
}
