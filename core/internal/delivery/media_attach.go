package delivery

import (
	"context"
	"errors"
	"fmt"

	"patchbay/core/internal/media"
	"patchbay/core/internal/plugin"
	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// assignMedium adds a medium to a delivery, as a link or as an attachment that is transferred before the delivery.
func (e *Engine) assignMedium(ctx context.Context, t *task, a *pluginpb.Assigned, part int, alone bool) error {
	out := &pluginpb.AssignedMedium{Part: uint32(part), Alone: alone}
	m := t.media[part]
	if m.item != nil {
		out.ContentType, out.Name, out.Size = m.item.ContentType, m.item.Name, m.item.Size
	}
	switch {
	case m.item != nil && t.settings.Media == sdk.MediaStream:
		out.Attachment = fmt.Sprintf("%s/%d", t.job.Delivery.ID, part)
		if err := e.attach(ctx, t, out, m.item); err != nil {
			return &attachError{part: part, err: err}
		}
	case m.item != nil:
		out.Url = m.link
	}
	a.Media = append(a.Media, out)
	return nil
}

func (e *Engine) attach(ctx context.Context, t *task, m *pluginpb.AssignedMedium, item *media.Item) error {
	r, err := item.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return t.settings.Caller.Attach(ctx, &pluginpb.AttachRequest{
		Id: m.GetAttachment(), ContentType: m.GetContentType(), Name: m.GetName(), Size: m.GetSize(),
	}, r)
}

// degradeMedium replaces a medium that could not be attached by text, if the error is permanent or the wait for media
// is over. It reports whether it did. A medium that the media store has removed is not replaced: a retry reads it
// again.
func (t *task) degradeMedium(ctx context.Context, err error) bool {
	failed, ok := errors.AsType[*attachError](err)
	if !ok || ctx.Err() != nil || errors.Is(err, plugin.ErrNotReady) || errors.Is(err, media.ErrGone) ||
		!media.IsPermanent(err) && !t.mediaWaitOver() {
		return false
	}
	m := t.media[failed.part]
	m.item, m.problem = nil, err.Error()
	t.media[failed.part] = m
	return true
}

// attachError means that a medium could not be transferred. The vendor was not called.
type attachError struct {
	part int
	err  error
}

func (e *attachError) Error() string { return e.err.Error() }
func (e *attachError) Unwrap() error { return e.err }
