package subscription

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/writer"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// After warnAfter attempts to store a batch without progress, a warning is logged, at most once in warnEvery.
const (
	warnAfter = 5
	warnEvery = time.Minute
)

// maxOverloadWait is the maximum time between attempts while the receiver's channel cannot keep up. It is as long as
// the Retry-After of a refused webhook.
const maxOverloadWait = time.Second

// store stores a batch and its cursor, and waits while the writer is busy or unavailable. It returns an error if the
// adapter may not emit the batch, if the decision on the cursor fails, if the writer stops, or if ctx ends.
func (s *subscriber) store(ctx context.Context, encoded [][]byte, cursor []byte) error {
	in, err := inbound.Decode(encoded, []string{s.Name})
	if err != nil {
		return err
	}
	in = s.replaceOversized(in)
	attempts := 0
	single := false // accept one message at a time, to find the one on which the decision fails
	for {
		rest, err := s.accept(ctx, in, cursor, single)
		switch {
		case err == nil && len(rest) == 0:
			s.failures = 0
			return nil
		case err == nil:
			single = false
		case errors.Is(err, writer.ErrUndecidable) && len(rest) == 0: // the cursor alone
			return err
		case errors.Is(err, writer.ErrUndecidable) && single:
			s.log.Error("message dropped: the decision on it failed",
				"vendor_id", rest[0].Envelope.VendorID, "error", err)
			rest, single = rest[1:], false
		case errors.Is(err, writer.ErrUndecidable):
			single = true
		case !errors.Is(err, writer.ErrBusy) && !errors.Is(err, writer.ErrUnavailable):
			return err
		default:
			if len(rest) < len(in) {
				attempts = 0
			}
			wait := delay.Delay(attempts)
			if errors.Is(err, writer.ErrOverloaded) {
				wait = min(wait, maxOverloadWait)
			}
			if attempts++; attempts == warnAfter {
				s.warnWaiting(len(rest), err)
			}
			sleep(ctx, wait)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		in = rest
	}
}

// warnWaiting warns that messages wait because of err, at most once in warnEvery.
func (s *subscriber) warnWaiting(messages int, err error) {
	if !s.warned.IsZero() && time.Since(s.warned) < warnEvery {
		return
	}
	s.warned = time.Now()
	text := "subscription waits until messages are accepted"
	if errors.Is(err, writer.ErrOverloaded) {
		text = "subscription waits for a channel that cannot keep up"
	}
	s.log.Warn(text, "messages", messages, "error", err)
}

// accept passes a batch, or only its first message if single is set, to the writer and counts the stored messages. It
// returns the messages that are not stored.
func (s *subscriber) accept(
	ctx context.Context, in []*inbound.Envelope, cursor []byte, single bool,
) ([]*inbound.Envelope, error) {
	now, later := in, []*inbound.Envelope(nil)
	if single && len(in) > 1 {
		now, later, cursor = in[:1], in[1:], nil
	}
	rest, err := s.options.Writer.AcceptFrom(ctx, s.Name, cursor, now)
	for range len(now) - len(rest) {
		s.options.Observer.Received(s.Name)
	}
	return append(rest[:len(rest):len(rest)], later...), err
}

// replaceOversized replaces messages that are too large for the log by notes. It drops a message whose note is also too
// large.
func (s *subscriber) replaceOversized(in []*inbound.Envelope) []*inbound.Envelope {
	out := in[:0]
	for _, i := range in {
		if !writer.Fits(i) {
			note, err := oversizedNote(i)
			s.log.Error("message replaced by a note: it is too large for the log", "vendor_id", i.Envelope.VendorID,
				"bytes", len(i.Bytes), "noted", err == nil)
			if err != nil {
				continue
			}
			i = note
		}
		out = append(out, i)
	}
	return out
}

// oversizedNote returns an envelope of kind unparsed with the sender, thread and time of a message, without its
// content.
func oversizedNote(in *inbound.Envelope) (*inbound.Envelope, error) {
	e := &envelope.Envelope{
		Channel: in.Channel, VendorID: in.Envelope.VendorID, Thread: in.Envelope.Thread, Sender: in.Envelope.Sender,
		SentAt: in.Envelope.SentAt, Kind: envelope.KindUnparsed,
		Attributes: map[string]string{
			"error": fmt.Sprintf("too large to be stored: %s of %d bytes", in.Envelope.Kind, len(in.Bytes)),
		},
	}
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		return nil, err
	}
	note := &inbound.Envelope{Channel: in.Channel, Envelope: e, Bytes: b}
	if !writer.Fits(note) {
		return nil, fmt.Errorf("its thread and ids have %d bytes", len(b))
	}
	return note, nil
}
