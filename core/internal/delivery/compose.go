package delivery

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// buildCall builds the call of a task. It returns a nil call without an error if there is nothing to send.
func (e *Engine) buildCall(ctx context.Context, t *task) (call *pluginpb.DeliverCall, degraded string, err error) {
	d := &t.job.Delivery
	call = &pluginpb.DeliverCall{Channel: d.Channel, Key: d.ID, Attempt: int32(d.Attempts) + 1}
	var send *pluginpb.SendAction
	switch d.Kind {
	case state.KindOpen:
		call.Action = &pluginpb.DeliverCall_Open{Open: openAction(t.job)}
		return call, "", nil
	case state.KindTranscript:
		send, err = e.transcriptAction(ctx, t)
	default:
		send, degraded, err = e.sendAction(ctx, t)
	}
	if send == nil || err != nil {
		return nil, "", err
	}
	call.Action = &pluginpb.DeliverCall_Send{Send: send}
	return call, degraded, nil
}

func openAction(j *attempt.Job) *pluginpb.OpenAction {
	c := j.Conv
	return &pluginpb.OpenAction{
		Conversation: c.ID, Epoch: j.Delivery.Epoch, Offer: j.Delivery.Offer, Reason: j.Delivery.Reason,
		Attributes: c.Attributes,
		Customer:   &pluginpb.Sender{Role: string(envelope.RoleCustomer), Id: c.SenderID, Name: c.SenderName},
		CustomerId: c.CustomerID(),
	}
}

// sendAction builds the action that sends an envelope. degraded describes the content that the channel cannot carry.
func (e *Engine) sendAction(ctx context.Context, t *task) (send *pluginpb.SendAction, degraded string, err error) {
	d, c := &t.job.Delivery, t.job.Conv
	stored, err := e.Load(ctx, d.Item.Pos)
	if err != nil {
		return nil, "", err
	}
	a := newAssigned(stored, c)
	if len(d.Joined) > 0 {
		if a.Text, err = e.joinedText(ctx, d); err != nil {
			return nil, "", err
		}
	}
	if d.Item.Rich || d.Pieces > 1 { // otherwise the adapter reads the text from the envelope
		env, err := protocol.DecodeEnvelope(stored.GetEnvelope())
		if err != nil {
			return nil, "", fmt.Errorf("read envelope %s: %w", stored.GetId(), err)
		}
		content, err := e.assignContent(ctx, t, a, env)
		for t.degradeMedium(ctx, err) {
			a = newAssigned(stored, c)
			content, err = e.assignContent(ctx, t, a, env)
		}
		if err != nil {
			return nil, "", err
		}
		if content.Empty() && d.Pieces > 1 {
			return nil, "", nil
		}
		degraded = content.Degraded
	}
	send = &pluginpb.SendAction{Thread: t.job.Thread, State: t.job.State, Envelope: stored.GetEnvelope(), Assigned: a}
	if d.Copy {
		send.Copy = &pluginpb.Copy{Rule: d.Reason, Decision: d.Decision.Status, Channel: d.Decision.Channel}
	}
	for _, it := range d.History {
		h, err := e.Load(ctx, it.Pos)
		if isTemporary(err) {
			return nil, "", err
		}
		if err == nil { // otherwise the record was purged
			send.History = append(send.History, h.GetEnvelope())
		}
	}
	return send, degraded, nil
}

// joinedText returns the texts of the customer's messages that a delivery joins, one a line.
func (e *Engine) joinedText(ctx context.Context, d *state.Delivery) (string, error) {
	var texts []string
	for _, it := range d.Items() {
		stored, err := e.Load(ctx, it.Pos)
		if isTemporary(err) {
			return "", err
		}
		if err != nil { // the record was purged
			continue
		}
		env, err := protocol.DecodeEnvelope(stored.GetEnvelope())
		if err != nil {
			return "", fmt.Errorf("read envelope %s: %w", stored.GetId(), err)
		}
		texts = append(texts, env.Text())
	}
	return strings.Join(texts, "\n"), nil
}

// assignContent renders the delivery's share of an envelope and adds it to a.
func (e *Engine) assignContent(ctx context.Context, t *task, a *pluginpb.Assigned,
	env *envelope.Envelope) (render.Content, error) {
	media := make(map[int]render.Medium, len(t.media))
	for i, m := range t.media {
		media[i] = render.Medium{Ready: m.item != nil, Link: m.link, Problem: m.problem}
	}
	content := t.share().Render(env, &t.settings.Target, media)
	a.Text = content.Text
	for _, part := range content.Media {
		if err := e.assignMedium(ctx, t, a, part, content.Alone); err != nil {
			return content, err
		}
	}
	return content, nil
}

// share returns the part of the envelope that the delivery carries.
func (t *task) share() render.Share {
	d := &t.job.Delivery
	return render.ShareOf(d.Item.Extent, d.Piece, d.Pieces, &t.settings.Target)
}

func newAssigned(s attempt.Stored, c *state.Conversation) *pluginpb.Assigned {
	return &pluginpb.Assigned{
		Id: s.GetId(), Conversation: c.ID, Epoch: s.GetEpoch(), AcceptedAt: timestamppb.New(s.At), Attributes: c.Attributes,
		Hops: s.GetHops() + 1,
	}
}

// transcriptAction builds the action that sends a transcript as one message. It returns nil if the history was purged.
func (e *Engine) transcriptAction(ctx context.Context, t *task) (*pluginpb.SendAction, error) {
	d, c := &t.job.Delivery, t.job.Conv
	var history []*envelope.Envelope
	var last attempt.Stored
	for _, it := range d.History {
		stored, err := e.Load(ctx, it.Pos)
		if isTemporary(err) {
			return nil, err
		}
		if err != nil {
			continue
		}
		env, err := protocol.DecodeEnvelope(stored.GetEnvelope())
		if err != nil {
			continue
		}
		history = append(history, env)
		last = stored
	}
	text := render.VisiblePiece(render.Transcript(history), d.Piece, d.Pieces, t.settings.TextBytes)
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
	a := newAssigned(last, c)
	a.Id = d.ID
	return &pluginpb.SendAction{Thread: t.job.Thread, State: t.job.State, Envelope: b, Assigned: a}, nil
}
