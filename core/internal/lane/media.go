package lane

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/core/internal/media"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/render"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// Media reads what messages name by reference; see media.Store.
type Media interface {
	Get(ctx context.Context, req media.Request, limit media.Limit) (*media.Item, error)
	Link(i *media.Item) string
}

// Limits of getting media ready.
const (
	mediaTimeout = 30 * time.Second // for all media of one delivery
	maxMediaWait = time.Minute      // after which a medium that can't be read for now is put into words, at most; see patience
)

// gotten is one medium of a delivery in the form that its channel wants. With none it is put into words, with a link
// if there is one.
type readyMedium struct {
	item *media.Item
	link string
	why  string // it is put into words
}

// prepare reads a job's media on a goroutine of its own, outside of the channel's calls: a vendor whose media are slow
// holds up nobody but its own conversation. Then the job is queued. The caller holds the lock.
func (e *Engine) prepareMedia(t *task) {
	ctx, cancel := context.WithTimeout(e.ctx, mediaTimeout)
	t.cancel, t.preparing = cancel, true
	e.running.Go(func() {
		defer cancel()
		r := e.readMedia(ctx, t)
		e.mu.Lock()
		defer e.mu.Unlock()
		t.cancel, t.preparing = nil, false
		switch {
		case e.stopping && !t.cancelled: // nothing was tried: it is in the log
			delete(e.waiting, t.job.Delivery.ID)
		case r != nil || t.cancelled:
			if r == nil {
				r = &result{out: t.retryNotCalled("cancelled", "", 0)}
			}
			delete(e.waiting, t.job.Delivery.ID)
			e.finish(t.job, r.out)
		default:
			t.ch.queue = append(t.ch.queue, t)
			e.startCalls(t.ch.process)
		}
	})
}

// gather reads a job's media. It returns a result if the delivery can't be made now.
func (e *Engine) readMedia(ctx context.Context, t *task) *result {
	stored, err := e.Load(ctx, t.job.Delivery.Item.Pos)
	if err != nil {
		r := t.readFailed(err)
		return &r
	}
	env, err := protocol.DecodeEnvelope(stored.GetEnvelope())
	if err != nil {
		r := t.readFailed(fmt.Errorf("read envelope %s: %w", stored.GetId(), err))
		return &r
	}
	t.media = map[int]readyMedium{}
	streamed := int64(0)
	for i := range env.Parts {
		if !render.IsMedium(env.Parts[i].Type) || !t.share().NeedsMedium(env, i) {
			continue
		}
		g, err := e.getWithTimeout(ctx, t, env, i)
		if err != nil && !media.IsPermanent(err) && !t.mediaWaitOver() {
			return &result{out: t.retryNotCalled(string(sdk.KindTransient), "read "+string(env.Parts[i].Type)+": "+err.Error(), t.pauseAfter(err))}
		}
		if err != nil {
			g.why = err.Error()
		}
		if g.item != nil && t.ch.Media == sdk.MediaStream {
			if streamed += g.item.Size; streamed > sdk.MaxDeliveryMediaBytes {
				g.item, g.why = nil, fmt.Sprintf("the media have %d bytes together, at most %d go with a delivery", streamed, int64(sdk.MaxDeliveryMediaBytes))
			} else {
				t.mediaBytes = streamed
			}
		}
		t.media[i] = g
	}
	return nil
}

// pauseAfter returns how long a vendor whose medium can't be read for now wants not to be asked, at most until the medium is put into
// words.
func (t *task) pauseAfter(err error) time.Duration {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return 0
	}
	return min(e.After, t.mediaWait()-time.Since(t.job.Delivery.QueuedAt))
}

// patience is how long a message waits for its media. It leaves time for calls: whoever gave a message up for its picture
// would lose both.
func (t *task) mediaWait() time.Duration {
	if t.ch.GiveUp > 0 {
		return min(maxMediaWait, t.ch.GiveUp/2)
	}
	return maxMediaWait
}

// waitedEnough reports whether a medium that can't be read for now is to be put into words. What was in the lane for that long
// gets another try, if give_up leaves time: its media have not been waited for.
func (t *task) mediaWaitOver() bool {
	d := &t.job.Delivery
	age := time.Since(d.QueuedAt)
	tried := d.NotCalled || t.ch.GiveUp > 0 && age >= t.ch.GiveUp/2
	return tried && age >= t.mediaWait()
}

// getInTime is get with this medium's share of the time, so that one that is slow leaves some for those behind it.
func (e *Engine) getWithTimeout(ctx context.Context, t *task, env *envelope.Envelope, part int) (readyMedium, error) {
	left := 0
	for i := part; i < len(env.Parts); i++ {
		if render.IsMedium(env.Parts[i].Type) && t.share().NeedsMedium(env, i) {
			left++
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	return e.get(ctx, t, env, &env.Parts[part])
}

// get reads one medium, if its channel needs more than the part has.
func (e *Engine) get(ctx context.Context, t *task, env *envelope.Envelope, p *envelope.Part) (readyMedium, error) {
	carried := t.ch.Parts == nil || t.ch.Parts[p.Type]
	switch {
	case p.URL != "" && !render.IsLink(p.URL):
		return readyMedium{why: "its link is no http address"}, nil
	case p.URL != "" && (!carried || t.ch.Media != sdk.MediaStream):
		return readyMedium{link: p.URL}, nil
	}
	req := media.Request{Channel: env.Channel, Thread: env.Thread, Part: *p}
	if th := t.job.Conv.Threads[env.Channel]; th != nil && th.ID == env.Thread {
		req.State = th.State
	}
	limit := t.ch.MediaLimit
	if !carried || t.ch.Media == sdk.MediaAsIs {
		limit = media.Limit{}
	}
	item, err := e.Media.Get(ctx, req, limit)
	if err != nil {
		return readyMedium{}, err
	}
	g := readyMedium{link: e.Media.Link(item)}
	if carried && t.ch.Media != sdk.MediaAsIs {
		g.item = item
	}
	return g, nil
}

// assign says in what form a part is handed over, and hands over its bytes if the channel wants those.
func (e *Engine) assign(ctx context.Context, t *task, a *pluginpb.Assigned, i int, alone bool) error {
	m := &pluginpb.AssignedMedium{Part: uint32(i), Alone: alone}
	g := t.media[i]
	if g.item != nil {
		m.ContentType, m.Name, m.Size = g.item.ContentType, g.item.Name, g.item.Size
	}
	switch {
	case g.item != nil && t.ch.Media == sdk.MediaStream:
		m.Attachment = fmt.Sprintf("%s/%d", t.job.Delivery.ID, i)
		if err := e.attach(ctx, t, m, g.item); err != nil {
			return &attachError{part: i, err: err}
		}
	case g.item != nil:
		m.Url = g.link
	}
	a.Media = append(a.Media, m)
	return nil
}

func (e *Engine) attach(ctx context.Context, t *task, m *pluginpb.AssignedMedium, item *media.Item) error {
	r, err := item.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return t.ch.Caller.Attach(ctx, &pluginpb.AttachRequest{
		Id: m.GetAttachment(), ContentType: m.GetContentType(), Name: m.GetName(), Size: m.GetSize(),
	}, r)
}

// forgo puts a medium into words that could not be handed over, if that will be so for good or has been for longer than a
// message may wait for it. It reports whether it did. What is gone from the store is read anew, and an adapter that is away
// is waited for.
func (t *task) degradeMedium(ctx context.Context, err error) bool {
	failed, ok := errors.AsType[*attachError](err)
	if !ok || ctx.Err() != nil || errors.Is(err, plugin.ErrNotReady) || errors.Is(err, media.ErrGone) ||
		!media.IsPermanent(err) && !t.mediaWaitOver() {
		return false
	}
	g := t.media[failed.part]
	g.item, g.why = nil, err.Error()
	t.media[failed.part] = g
	return true
}

// attachError means that a medium could not be handed over. The vendor was not asked.
type attachError struct {
	part int
	err  error
}

func (e *attachError) Error() string { return e.err.Error() }
func (e *attachError) Unwrap() error { return e.err }
