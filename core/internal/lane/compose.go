package lane

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/types/known/timestamppb"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// compose builds the call of a job. It returns nil without an error if there is nothing to send.
func (e *Engine) buildCall(ctx context.Context, t *task) (call *pluginpb.DeliverCall, degraded string, err error) {
	d := &t.job.Delivery
	call = &pluginpb.DeliverCall{Channel: d.Channel, Key: d.ID, Attempt: int32(d.Attempts) + 1}
	switch d.Kind {
	case state.KindOpen:
		call.Action = &pluginpb.DeliverCall_Open{Open: openAction(t.job)}
		return call, "", nil
	case state.KindTranscript:
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

func openAction(j *delivery.Job) *pluginpb.OpenAction {
	c := j.Conv
	return &pluginpb.OpenAction{
		Conversation: c.ID, Epoch: j.Delivery.Epoch, Offer: j.Delivery.Offer, Reason: j.Delivery.Reason, Attributes: c.Attributes,
		Customer:   &pluginpb.Sender{Role: string(envelope.RoleCustomer), Id: c.SenderID, Name: c.SenderName},
		CustomerId: c.CustomerID(),
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
		content, err := e.assignContent(ctx, t, a, env)
		for t.degradeMedium(ctx, err) {
			a = assigned(stored, c)
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
	send := &pluginpb.SendAction{Thread: t.job.Thread, State: t.job.State, Envelope: stored.GetEnvelope(), Assigned: a}
	for _, it := range d.History {
		h, err := e.Load(ctx, it.Pos)
		if isTemporary(err) {
			return nil, "", err
		}
		if err == nil { // what was purged is not part of the history any more
			send.History = append(send.History, h.GetEnvelope())
		}
	}
	return send, degraded, nil
}

// assignContent renders what the delivery carries of an envelope, and hands over its media.
func (e *Engine) assignContent(ctx context.Context, t *task, a *pluginpb.Assigned, env *envelope.Envelope) (render.Content, error) {
	media := make(map[int]render.Medium, len(t.media))
	for i, m := range t.media {
		media[i] = render.Medium{Ready: m.item != nil, Link: m.link, Problem: m.why}
	}
	content := t.share().Render(env, &t.ch.Target, media)
	a.Text = content.Text
	for _, part := range content.Media {
		if err := e.assign(ctx, t, a, part, content.Alone); err != nil {
			return content, err
		}
	}
	return content, nil
}

// share returns the part of the envelope that the delivery carries.
func (t *task) share() render.Share {
	d := &t.job.Delivery
	return render.ShareOf(d.Item.Extent, d.Piece, d.Pieces, &t.ch.Target)
}

func assigned(s delivery.Stored, c *state.Conversation) *pluginpb.Assigned {
	return &pluginpb.Assigned{
		Id: s.GetId(), Conversation: c.ID, Epoch: s.GetEpoch(), AcceptedAt: timestamppb.New(s.At), Attributes: c.Attributes,
		Hops: s.GetHops() + 1,
	}
}

// transcript builds one message out of what the channel has not yet seen: a line each, with who said it.
func (e *Engine) transcript(ctx context.Context, t *task) (*pluginpb.SendAction, error) {
	d, c := &t.job.Delivery, t.job.Conv
	var history []*envelope.Envelope
	var last delivery.Stored
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
	text := render.Piece(render.Transcript(history), d.Piece, d.Pieces, t.ch.TextBytes)
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
