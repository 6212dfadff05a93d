package writer

import (
	"slices"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
	"patchbay/sdk"
)

// inFlight maps conversation and channel to the id of the delivery in flight.
type inFlight map[string]map[string]string

func (f inFlight) done(conv, channel, delivery string) {
	if lanes := f[conv]; lanes[channel] == delivery {
		delete(lanes, channel)
		if len(lanes) == 0 {
			delete(f, conv)
		}
	}
}

func (f inFlight) cancelAll(conv string, l Lanes) {
	for _, delivery := range f[conv] {
		l.Cancel(delivery)
	}
}

func (f inFlight) put(conv, channel, delivery string) {
	if f[conv] == nil {
		f[conv] = map[string]string{}
	}
	f[conv][channel] = delivery
}

// releaseHeads submits every lane head that is due, unless a delivery of its lane is in flight. It cancels a delivery
// in flight that is no longer the head of its lane, and sets the conversation's deadline and timer.
func (w *Writer) releaseHeads(c *state.Conversation, now time.Time) {
	lanes := w.inFlight[c.ID]
	if len(lanes) > 0 {
		heads := make(map[string]string, len(c.Lanes))
		for i := range c.Lanes {
			heads[c.Lanes[i].Channel] = c.Lanes[i].Queue[0].ID
		}
		for channel, delivery := range lanes {
			if heads[channel] != delivery {
				w.Lanes.Cancel(delivery)
			}
		}
	}
	for i := range c.Lanes {
		head := &c.Lanes[i].Queue[0]
		if _, busy := lanes[head.Channel]; busy || !w.Policy.MayRelease(c, head, now) {
			continue
		}
		w.submit(c, head, now)
	}
	w.setDeadline(c, now)
	w.setTimer(c)
	w.offers.set(c.ID, c.Offer != nil)
	w.departures.set(c.ID, c.Departure != nil)
}

func (w *Writer) submit(c *state.Conversation, head *state.Delivery, now time.Time) {
	w.inFlight.put(c.ID, head.Channel, head.ID)
	w.Lanes.Submit(newJob(c, head, w.Policy.WaitTime(c, head, now)))
}

// retryFailed submits the lane heads that r.Restarted and r.Changed describe, although their next attempt is due later.
func (w *Writer) retryFailed(r *Revision) {
	if len(r.Restarted)+len(r.Changed) == 0 {
		return
	}
	repeats := func(d *state.Delivery) bool {
		if d.Error == string(sdk.KindUnauthorized) && slices.Contains(r.Restarted, d.Channel) {
			return true
		}
		return d.Error != string(sdk.KindThrottled) && slices.Contains(r.Changed, d.Channel)
	}
	now := w.Now()
	w.state.EachBusy(func(c *state.Conversation) {
		for i := range c.Lanes {
			head := &c.Lanes[i].Queue[0]
			due := *head
			due.NextAt = now
			if repeats(head) && w.inFlight[c.ID][head.Channel] == "" && w.Policy.MayRelease(c, &due, now) {
				w.submit(c, head, now)
			}
		}
	})
}

// conversations is a set of conversations by id.
type conversations map[string]bool

// set adds a conversation to the set, or removes it.
func (s conversations) set(id string, member bool) {
	if member {
		s[id] = true
	} else {
		delete(s, id)
	}
}

func newJob(c *state.Conversation, d *state.Delivery, waited time.Duration) *attempt.Job {
	j := &attempt.Job{Delivery: *d, Conv: c, Thread: d.Thread, Waited: waited}
	if th := c.Threads[d.Channel]; th != nil && (j.Thread == "" || j.Thread == th.ID) {
		j.Thread, j.State = th.ID, th.State
	}
	return j
}

// setDeadline sets the conversation's next deadline.
func (w *Writer) setDeadline(c *state.Conversation, now time.Time) {
	next := conversation.NextDeadline(c, w.Policy)
	if !next.After(now) { // such as that of a head that was just released
		next = w.nextDeadlineAfter(c, now)
	}
	w.deadlines.set(c.ID, next)
}

// nextDeadlineAfter returns the first deadline after now, or the zero time. An overdue deadline is due in a
// millisecond. The deadline of a released head does not count.
func (w *Writer) nextDeadlineAfter(c *state.Conversation, now time.Time) time.Time {
	var next time.Time
	sooner := func(at time.Time) {
		if at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if c.Departure != nil {
		sooner(c.Departure.Deadline)
		if !c.Departure.Deadline.After(now) {
			sooner(now.Add(time.Millisecond))
		}
	}
	for i := range c.Lanes {
		head := &c.Lanes[i].Queue[0]
		if c.AwaitsAnswer(head) {
			sooner(latest(conversation.AnswerDeadline(c), now.Add(time.Millisecond)))
			continue
		}
		if w.Policy.IsConfigured(head.Channel) {
			sooner(w.Policy.ReleaseAt(head, now))
			continue
		}
		if until := w.Policy.ReturnDeadline(c, head); until.After(now) {
			sooner(until)
		} else {
			sooner(now.Add(time.Millisecond))
		}
	}
	if c.Closing != "" && len(c.Lanes) == 0 { // its retention ended while the gateway was stopped
		sooner(now.Add(time.Millisecond))
	}
	return next
}
