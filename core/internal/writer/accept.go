package writer

import (
	"context"
	"fmt"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
)

// webhook is what one call, or one batch of an adapter that listens, brings into one record.
type submission struct {
	envelopes []*inbound.Envelope
	bytes     int
	since     time.Time
	result    error
	done      chan struct{}
	// hopeless is set if neither deciding on it nor keeping it as a dead letter worked.
	undecidable bool
	// inOrder means that nothing is taken after an envelope that can't be taken now. taken counts those before it, stored
	// the same when the record is stored. With the last one the channel's cursor moves, if there is one.
	inOrder       bool
	channel       string
	cursor        []byte
	taken, stored int
}

// Fits reports whether an envelope can be stored at all.
func Fits(in *inbound.Envelope) bool { return len(in.Bytes)+changeBytes <= maxRecord }

// gather makes a webhook of the first of in that fit into one record.
func newSubmission(in []*inbound.Envelope) (*submission, error) {
	n, bytes := 0, 0
	for ; n < len(in) && n < maxInputs; n++ {
		if !Fits(in[n]) {
			return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(in[n].Bytes))
		}
		if bytes += len(in[n].Bytes) + changeBytes; bytes > maxRecord {
			break
		}
	}
	return &submission{envelopes: in[:n], bytes: min(bytes, maxRecord), since: time.Now(), done: make(chan struct{})}, nil
}

// Accept stores the envelopes of one webhook call, in order, and in one record if they fit. It returns nil when all
// are stored, or were before; else the vendor repeats the call and what was stored is a duplicate then. The
// envelopes belong to the writer from the call on.
func (w *Writer) Accept(ctx context.Context, in []*inbound.Envelope) error {
	for len(in) > 0 {
		h, err := newSubmission(in)
		if err != nil {
			return err
		}
		if _, err := w.accept(ctx, h); err != nil {
			return err
		}
		in = in[len(h.envelopes):]
	}
	return nil
}

// AcceptFrom stores what the adapter of a channel that listens has emitted, in order; the cursor, if it is not empty, in the
// same record as the last of the envelopes, or in one of its own if there are none. After an error it returns those
// that are not stored, none before one that is, so that the caller may come again with them. The envelopes belong to the
// writer from the call on, but for those that are returned.
func (w *Writer) AcceptFrom(ctx context.Context, channel string, cursor []byte, in []*inbound.Envelope) ([]*inbound.Envelope, error) {
	if len(cursor) > conversation.MaxCursorBytes {
		return in, fmt.Errorf("%w: cursor of %d bytes", ErrTooLarge, len(cursor))
	}
	for len(in) > 0 || len(cursor) > 0 {
		h, err := newSubmission(in)
		if err != nil {
			return in, err
		}
		h.inOrder = true
		if len(h.envelopes) == len(in) {
			h.channel, h.cursor = channel, cursor
			h.bytes = min(h.bytes+len(cursor)+changeBytes, maxRecord)
		}
		answered, err := w.accept(ctx, h)
		if answered {
			in = in[h.stored:]
		}
		if err != nil || len(in) == 0 {
			return in, err
		}
	}
	return nil, nil
}

// accept hands a webhook to the loop. It reports whether the loop has answered: else nobody knows yet what becomes of it.
func (w *Writer) accept(ctx context.Context, h *submission) (answered bool, err error) {
	if err := w.Writable(); err != nil {
		return false, err
	}
	w.mu.Lock()
	switch {
	case w.stopping:
		w.mu.Unlock()
		return false, ErrStopping
	case len(w.submissions) >= maxSubmissions:
		w.mu.Unlock()
		return false, ErrUnavailable
	}
	w.submissions = append(w.submissions, h)
	w.mu.Unlock()
	w.wakeUp()
	select {
	case <-h.done:
		return true, h.result
	case <-ctx.Done():
		return false, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

func (h *submission) answer(err error) {
	h.result = err
	close(h.done)
}

// receiveInOrder decides on a batch of an adapter that listens. Its vendor repeats nothing, so what was taken is not asked
// for again, and nothing overtakes what can't be taken now.
func (w *Writer) receiveInOrder(tx *conversation.Transaction, h *submission, poison string) error {
	for _, in := range h.envelopes {
		if poison != "" {
			tx.KeepUndecided(in, poison)
		} else if !w.mayOpen(in) || tx.Receive(in) == conversation.VerdictBusy {
			return ErrBusy
		}
		h.taken++
	}
	if len(h.cursor) > 0 {
		tx.MoveCursor(h.channel, h.cursor)
	}
	return nil
}
