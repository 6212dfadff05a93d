package writer

import (
	"context"
	"fmt"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
)

// submission contains the envelopes of one webhook, or of one batch of a subscription, that fit into one record.
type submission struct {
	envelopes []*inbound.Envelope
	bytes     int
	since     time.Time
	result    error
	done      chan struct{}
	// undecidable is set if neither a decision nor a dead letter is possible.
	undecidable bool
	// dead and cause are set by Keep: the kind and the cause of the dead letter. The envelope gets no decision.
	dead, cause string
	// inOrder is set for subscriptions: the decision ends at the first envelope that cannot be accepted now.
	inOrder bool
	// acceptedWithoutID is set if the decision on a webhook has accepted an envelope without a vendor id.
	acceptedWithoutID bool
	// continues is set if earlier envelopes of the webhook are already stored.
	continues bool
	counted   int   // number of the first envelopes whose new conversations are counted
	refused   error // set if the webhook was refused: the result of each later decision on it
	channel   string
	cursor    []byte // stored with the last envelope
	accepted  int    // envelopes that the decision accepted
	stored    int    // envelopes that are accepted and stored
}

// Fits reports whether an envelope fits into a record.
func Fits(in *inbound.Envelope) bool { return len(in.Bytes)+changeBytes <= maxRecord }

// newSubmission returns a submission with as many of the envelopes, from the first on, as fit into one record.
func (w *Writer) newSubmission(in []*inbound.Envelope) (*submission, error) {
	n, bytes := 0, 0
	for ; n < len(in) && n < maxInputs; n++ {
		if !Fits(in[n]) {
			return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(in[n].Bytes))
		}
		if bytes += len(in[n].Bytes) + changeBytes; bytes > maxRecord {
			break
		}
	}
	w.boundTimes(in[:n])
	return &submission{
		envelopes: in[:n], bytes: min(bytes, maxRecord), since: w.Now(), done: make(chan struct{}),
	}, nil
}

// Accept stores the envelopes of one webhook in order, in one record if they fit. It returns nil when all of them are
// stored or are duplicates. After an error, the vendor repeats the webhook, and the stored envelopes are then
// duplicates.
//
// If a receiver is overloaded, or the limit of new conversations is reached, Accept refuses the whole webhook, unless
// it has already stored a record of it. If an envelope cannot be accepted because its conversation is full, Accept
// stores the other envelopes of the record if all of them have vendor ids. The writer owns the envelopes from the call
// on.
func (w *Writer) Accept(ctx context.Context, in []*inbound.Envelope) error {
	for continues := false; len(in) > 0; continues = true {
		s, err := w.newSubmission(in)
		if err != nil {
			return err
		}
		s.continues = continues
		if _, err := w.accept(ctx, s); err != nil {
			return err
		}
		in = in[len(s.envelopes):]
	}
	return nil
}

// Keep stores an envelope without a decision on it, and a dead letter of the given kind with the cause. The writer owns
// the envelope from the call on.
func (w *Writer) Keep(ctx context.Context, in *inbound.Envelope, kind, cause string) error {
	s, err := w.newSubmission([]*inbound.Envelope{in})
	if err != nil {
		return err
	}
	s.dead, s.cause = kind, cause
	_, err = w.accept(ctx, s)
	return err
}

// AcceptFrom stores the envelopes of a subscription in order. A cursor that is not empty is stored in the record of the
// last envelope, or in a separate record if there are no envelopes. After an error, AcceptFrom returns the unstored
// suffix, which the caller may pass again. The writer owns all other envelopes from the call on.
func (w *Writer) AcceptFrom(
	ctx context.Context, channel string, cursor []byte, in []*inbound.Envelope,
) ([]*inbound.Envelope, error) {
	if len(cursor) > conversation.MaxCursorBytes {
		return in, fmt.Errorf("%w: cursor of %d bytes", ErrTooLarge, len(cursor))
	}
	for len(in) > 0 || len(cursor) > 0 {
		s, err := w.newSubmission(in)
		if err != nil {
			return in, err
		}
		s.inOrder = true
		if len(s.envelopes) == len(in) {
			s.channel, s.cursor = channel, cursor
			s.bytes = min(s.bytes+len(cursor)+changeBytes, maxRecord)
		}
		answered, err := w.accept(ctx, s)
		if answered {
			in = in[s.stored:]
		}
		if err != nil || len(in) == 0 {
			return in, err
		}
	}
	return nil, nil
}

// accept passes a submission to the loop and waits for the answer. If answered is false, it is unknown whether the
// envelopes are stored.
func (w *Writer) accept(ctx context.Context, s *submission) (answered bool, err error) {
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
	w.submissions = append(w.submissions, s)
	w.mu.Unlock()
	w.wakeUp()
	select {
	case <-s.done:
		return true, s.result
	case <-ctx.Done():
		return false, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

func (s *submission) answer(err error) {
	s.result = err
	close(s.done)
}

// receiveInOrder decides on a batch of a subscription. It stops at the first envelope that cannot be accepted now, so
// that no later envelope overtakes it. The accepted envelopes before it are stored.
func (w *Writer) receiveInOrder(tx *conversation.Transaction, s *submission, cause string) error {
	for i, in := range s.envelopes {
		if cause != "" {
			tx.KeepUndecided(in, cause)
		} else if err := checkOverload(tx, in); err != nil {
			return err
		} else if err := w.receiveOne(tx, s, i); err != nil {
			return err
		}
		s.accepted++
	}
	if len(s.cursor) > 0 {
		tx.MoveCursor(s.channel, s.cursor)
	}
	return nil
}
