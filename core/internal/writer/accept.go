package writer

import (
	"context"
	"fmt"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
)

// submission is the envelopes of one webhook, or of one batch of a subscription, that fit into one record.
type submission struct {
	envelopes []*inbound.Envelope
	bytes     int
	since     time.Time
	result    error
	done      chan struct{}
	// undecidable is set if neither a decision nor a dead letter is possible.
	undecidable bool
	// inOrder is set for subscriptions: after an envelope that cannot be accepted now, no later one is accepted. Taken
	// counts the accepted envelopes, and stored those that are also stored. A cursor is stored with the last envelope.
	inOrder       bool
	channel       string
	cursor        []byte
	taken, stored int
}

// Fits reports whether an envelope fits into a record.
func Fits(in *inbound.Envelope) bool { return len(in.Bytes)+changeBytes <= maxRecord }

// newSubmission returns a submission of the first envelopes of in, as many as fit into one record.
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

// Accept stores the envelopes of one webhook in order, in one record if they fit. It returns nil when all are stored or
// are duplicates. After an error the vendor repeats the webhook, and the envelopes that were stored are duplicates
// then. The writer owns the envelopes from the call on.
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

// AcceptFrom stores the envelopes of a subscription in order. A cursor that is not empty is stored in the record of the
// last envelope, or in a separate record if there are no envelopes. After an error, AcceptFrom returns the unstored
// suffix, which the caller may pass again. The writer owns all other envelopes from the call on.
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

// accept passes a submission to the loop. It reports whether the loop has answered; otherwise the outcome is unknown.
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

// receiveInOrder decides on a batch of a subscription. The vendor does not repeat envelopes that were accepted, and no
// envelope overtakes one that cannot be accepted now.
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
