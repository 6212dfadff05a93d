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
func (e *Engine) buildCall(ctx context.Context, t *task) (call *pluginpb.DeliverCall, degraded string, err error) {
	d := &t.job.Delivery
	call = &pluginpb.DeliverCall{Channel: d.Channel, Key: d.ID, Attempt: int32(d.Attempts) + 1}
	switch d.Kind {
	case conversation.KindOpen:
		call.Action = &pluginpb.DeliverCall_Open{Open: openAction(t.job)}
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

func openAction(j *writer.Job) *pluginpb.OpenAction {
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
		degraded, err = e.fit(ctx, t, a, env)
		for t.degradeMedium(ctx, err) {
			a = assigned(stored, c)
			degraded, err = e.fit(ctx, t, a, env)
		}
		if err != nil {
			return nil, "", err
		}
		if a.Text == "" && len(a.Media) == 0 && d.Pieces > 1 {
			return nil, "", nil
		}
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

// fit chooses what of an envelope the delivery carries, and in which form: a piece of its words, one of its media, or
// everything. It returns what is lost by that.
func (e *Engine) fit(ctx context.Context, t *task, a *pluginpb.Assigned, env *envelope.Envelope) (lost string, err error) {
	d, limit := &t.job.Delivery, t.ch.TextBytes
	apart := t.apart()
	index, alone, piece, pieces := 0, false, d.Piece, d.Pieces
	if apart {
		index, alone, piece, pieces = d.Medium()
	}
	together := t.ch.SeparateMedia && !apart && len(env.Parts) > 1 // queued when one call took both
	switch {
	case alone:
		return e.fitMedium(ctx, t, a, env, mediumAt(env, index))
	case apart:
		a.Text = conversation.Piece(conversation.TextWithoutMedia(env), piece, pieces, limit)
		return t.losses(env, func(i int) bool { return !conversation.IsMedium(env.Parts[i].Type) && !t.carries(env, i) }), nil
	}
	lost = ""
	if env.Kind == envelope.KindMessage {
		lost = t.losses(env, func(i int) bool { return !t.carries(env, i) || together && conversation.IsMedium(env.Parts[i].Type) })
	}
	if lost == "" && pieces > 1 { // pieces are text only
		lost = t.losses(env, func(i int) bool { return env.Parts[i].Type != envelope.PartText })
	}
	switch {
	case lost != "":
		a.Text, lost = bound(conversation.Piece(t.words(env), piece, pieces, limit), limit, lost)
	case pieces > 1:
		a.Text = conversation.Piece(env.Text(), piece, pieces, limit)
	default:
		for i := range env.Parts {
			if t.media[i].item == nil {
				continue
			}
			if err := e.assign(ctx, t, a, i, false); err != nil {
				return "", err
			}
		}
	}
	return lost, nil
}

// fitMedium has the delivery carry one medium and nothing else, or a line in its place. Its caption is among the words.
func (e *Engine) fitMedium(ctx context.Context, t *task, a *pluginpb.Assigned, env *envelope.Envelope, i int) (lost string, err error) {
	if i < 0 {
		return "", nil
	}
	if t.carries(env, i) {
		return "", e.assign(ctx, t, a, i, true)
	}
	bare := env.Parts[i]
	bare.Text = ""
	if link := t.media[i].link; link != "" {
		bare.URL = link
	}
	a.Text, lost = bound(conversation.PartText(&bare), t.ch.TextBytes, t.losses(env, func(j int) bool { return j == i }))
	return lost, nil
}

// bound cuts words that have become longer than was foreseen when the delivery was divided, as those for a medium can.
// The vendor would refuse all of them. It adds to what is lost that they are cut.
func bound(text string, limit int, lost string) (string, string) {
	if limit <= 0 || len(text) <= limit {
		return text, lost
	}
	return conversation.Piece(text, 0, 2, limit), join(lost, fmt.Sprintf("cut to %d bytes", limit))
}

func assigned(s writer.Stored, c *conversation.Conversation) *pluginpb.Assigned {
	return &pluginpb.Assigned{
		Id: s.GetId(), Conversation: c.ID, Epoch: s.GetEpoch(), AcceptedAt: timestamppb.New(s.At), Attributes: c.Attributes,
		Hops: s.GetHops() + 1,
	}
}

// words returns an envelope's content as text, with links to its media where there are some.
func (t *task) words(env *envelope.Envelope) string {
	lines := make([]string, len(env.Parts))
	for i := range env.Parts {
		p := env.Parts[i]
		if link := t.media[i].link; link != "" {
			p.URL = link
		}
		lines[i] = conversation.PartText(&p)
	}
	return strings.Join(lines, "\n")
}

// losses names the parts that become text, and why if that is more than the channel's nature; "" if there are none.
func (t *task) losses(env *envelope.Envelope, loses func(part int) bool) string {
	var names []string
	for i := range env.Parts {
		if !loses(i) {
			continue
		}
		name := string(env.Parts[i].Type)
		if why := t.media[i].why; why != "" {
			name += " (" + why + ")"
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return brief("sent as text: " + strings.Join(names, ", "))
}

// maxLost is the most that is recorded of what a delivery could not carry, for each of those who tell.
const maxLost = 1 << 10

// brief cuts a text to maxLost bytes.
func brief(s string) string {
	if len(s) <= maxLost {
		return s
	}
	return strings.ToValidUTF8(s[:maxLost], "") + "…"
}

// transcript builds one message out of what the channel has not yet seen: a line each, with who said it.
func (e *Engine) transcript(ctx context.Context, t *task) (*pluginpb.SendAction, error) {
	d, c := &t.job.Delivery, t.job.Conv
	var lines []string
	var last writer.Stored
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
		text := conversation.HandoverText(env)
		if env.Kind == envelope.KindMessage {
			text = conversation.SpeakerLabel(env.Sender.Role) + ": " + wording(env)
		}
		lines = append(lines, text)
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

// wording is all of an envelope in words.
func wording(env *envelope.Envelope) string {
	lines := make([]string, len(env.Parts))
	for i := range env.Parts {
		lines[i] = conversation.PartText(&env.Parts[i])
	}
	return strings.Join(lines, "\n")
}
