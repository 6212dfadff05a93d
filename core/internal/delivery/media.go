package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/core/internal/media"
	"patchbay/core/internal/render"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// Media reads media by reference; see media.Store.
type Media interface {
	Get(ctx context.Context, req media.Request, limit media.Limit) (*media.Item, error)
	Link(i *media.Item) string
}

const (
	mediaTimeout = 30 * time.Second // for all media of one delivery
	// maxMediaWait is the time that a delivery waits for a medium that is temporarily not readable. Then text replaces
	// it.
	maxMediaWait = time.Minute
)

// readyMedium is a medium in the form that its channel takes. Without an item, the channel takes the part's own link,
// or text replaces the medium, with the link if there is one.
type readyMedium struct {
	item    *media.Item
	link    string
	problem string // the reason why there is no item
}

// prepareMedia reads a task's media on a new goroutine and then queues the task. Reading does not count as a call of
// the channel, so slow media delay only their own conversation. The caller holds the lock.
func (e *Engine) prepareMedia(t *task) {
	ctx, cancel := context.WithTimeout(context.Background(), t.mediaTimeout())
	t.cancel, t.preparing = func(error) { cancel() }, true
	e.running.Go(func() {
		defer cancel()
		r := e.readMedia(ctx, t)
		e.mu.Lock()
		defer e.mu.Unlock()
		t.cancel, t.preparing = nil, false
		switch {
		case e.stopping && !t.canceled: // it has not started, so it stays in the log
			e.forget(t)
		case r != nil || t.canceled:
			if r == nil {
				r = &result{out: t.retryNotCalled("canceled", "", 0)}
			}
			e.forget(t)
			t.limitRetry(r.out)
			e.finish(t.job, r.out)
		default:
			e.enqueue(t)
		}
	})
}

// readMedia reads a task's media. It returns a result if the delivery cannot be made now.
func (e *Engine) readMedia(ctx context.Context, t *task) *result {
	stored, err := e.Load(ctx, t.job.Delivery.Item.Pos)
	if err != nil {
		r := t.readFailure(err)
		return &r
	}
	env, err := protocol.DecodeEnvelope(stored.GetEnvelope())
	if err != nil {
		r := t.readFailure(fmt.Errorf("read envelope %s: %w", stored.GetId(), err))
		return &r
	}
	t.media = map[int]readyMedium{}
	streamed := int64(0)
	for i := range env.Parts {
		if !env.Parts[i].Type.IsMedia() || !t.share().NeedsMedium(env, i) {
			continue
		}
		m, err := e.getWithTimeout(ctx, t, env, i)
		if err != nil && !media.IsPermanent(err) && !t.mediaWaitOver() {
			text := "read " + string(env.Parts[i].Type) + ": " + err.Error()
			return &result{out: t.retryNotCalled(string(sdk.KindTransient), text, t.mediaPause(err))}
		}
		if err != nil {
			m.problem = err.Error()
		}
		if m.item != nil && t.settings.Media == sdk.MediaStream {
			if streamed += m.item.Size; streamed > sdk.MaxDeliveryMediaBytes {
				m.item = nil
				m.problem = fmt.Sprintf("the media have %d bytes together, at most %d go with a delivery", streamed,
					int64(sdk.MaxDeliveryMediaBytes))
			} else {
				t.mediaBytes = streamed
			}
		}
		t.media[i] = m
	}
	return nil
}

// mediaPause returns the vendor's pause before the next read of a medium. It ends no later than the wait for media.
func (t *task) mediaPause(err error) time.Duration {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return 0
	}
	return min(t.settings.limitPause(e.After), t.mediaWait()-t.age())
}

// mediaTimeout returns the time for reading the media. It leaves time for a call before the deadline.
func (t *task) mediaTimeout() time.Duration {
	if at, ok := t.deadline(); ok {
		return min(mediaTimeout, at.Sub(t.ch.now())/2)
	}
	return mediaTimeout
}

// mediaWait returns how long the delivery waits for media. It leaves time for calls before GiveUp.
func (t *task) mediaWait() time.Duration {
	if t.settings.GiveUp > 0 {
		return min(maxMediaWait, t.settings.GiveUp/2)
	}
	return maxMediaWait
}

// mediaWaitOver reports whether text replaces a medium that is temporarily not readable. A delivery that is already too
// old at the first read gets a second one, unless half of GiveUp is over.
func (t *task) mediaWaitOver() bool {
	d := &t.job.Delivery
	age := t.age()
	tried := d.NotCalled || t.settings.GiveUp > 0 && age >= t.settings.GiveUp/2
	return tried && age >= t.mediaWait()
}

// getWithTimeout reads one medium within its share of the time, so that a slow one leaves time for the following ones.
func (e *Engine) getWithTimeout(ctx context.Context, t *task, env *envelope.Envelope, part int) (readyMedium, error) {
	remaining := 0
	for i := part; i < len(env.Parts); i++ {
		if env.Parts[i].Type.IsMedia() && t.share().NeedsMedium(env, i) {
			remaining++
		}
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(remaining))
		defer cancel()
	}
	return e.get(ctx, t, env, &env.Parts[part])
}

// get reads one medium if the target channel needs more than the part contains.
func (e *Engine) get(ctx context.Context, t *task, env *envelope.Envelope, p *envelope.Part) (readyMedium, error) {
	carried := t.settings.Parts == nil || t.settings.Parts[p.Type]
	switch {
	case p.URL != "" && !render.IsLink(p.URL):
		return readyMedium{problem: "its link is not a web address"}, nil
	case p.URL != "" && (!carried || t.settings.Media != sdk.MediaStream):
		return readyMedium{link: p.URL}, nil
	}
	req := media.Request{Channel: env.Channel, Thread: env.Thread, Part: *p}
	if th := t.job.Conv.Threads[env.Channel]; th != nil && th.ID == env.Thread {
		req.State = th.State
	}
	limit := t.settings.MediaLimit
	if !carried || t.settings.Media == sdk.MediaAsIs {
		limit = media.Limit{}
	}
	item, err := e.Media.Get(ctx, req, limit)
	if err != nil {
		return readyMedium{}, err
	}
	m := readyMedium{link: e.Media.Link(item)}
	if carried && t.settings.Media != sdk.MediaAsIs {
		m.item = item
	}
	return m, nil
}
