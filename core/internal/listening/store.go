package listening

import (
	"context"
	"errors"
	"fmt"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/writer"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// tellAfter is after how many tries an operator is told that a batch waits.
const tellAfter = 5

// store takes in a batch. It returns an error if the batch is not one that the adapter may emit, or if the gateway ends:
// else it waits.
func (l *listener) store(ctx context.Context, encoded [][]byte, cursor []byte) error {
	in, err := conversation.Decode(encoded, []string{l.Name})
	if err != nil {
		return err
	}
	in = l.storable(in)
	tries := 0
	alone := false // the first of them goes alone: one of the batch can't be decided on
	for {
		rest, err := l.accept(ctx, in, cursor, alone)
		switch {
		case err == nil && len(rest) == 0:
			l.tries = 0
			return nil
		case err == nil:
			alone = false
		case errors.Is(err, writer.ErrUndecidable) && len(rest) == 0: // the cursor alone: not for ever
			return err
		case errors.Is(err, writer.ErrUndecidable) && alone:
			l.log.Error("message left out: nothing can be decided on it", "vendor_id", rest[0].Envelope.VendorID, "error", err)
			rest, alone = rest[1:], false
		case errors.Is(err, writer.ErrUndecidable):
			alone = true
		case !errors.Is(err, writer.ErrBusy) && !errors.Is(err, writer.ErrUnavailable):
			return err
		default:
			wait := delay.Delay(tries)
			if tries++; tries == tellAfter {
				l.log.Warn("adapter waits until what it emitted can be stored", "messages", len(rest), "error", err)
			}
			sleep(ctx, wait)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		in = rest
	}
}

// accept hands a batch to the writer, or its first message, and counts what was taken in. It returns what is left.
func (l *listener) accept(ctx context.Context, in []*conversation.Inbound, cursor []byte, alone bool) ([]*conversation.Inbound, error) {
	now, later := in, []*conversation.Inbound(nil)
	if alone && len(in) > 1 {
		now, later, cursor = in[:1], in[1:], nil
	}
	rest, err := l.options.Writer.AcceptFrom(ctx, l.Name, cursor, now)
	for range len(now) - len(rest) {
		l.options.Observer.Received(l.Name)
	}
	return append(rest[:len(rest):len(rest)], later...), err
}

// storable puts notes in place of messages that are too large for the log.
func (l *listener) storable(in []*conversation.Inbound) []*conversation.Inbound {
	out := in[:0]
	for _, i := range in {
		if !writer.Fits(i) {
			note, err := tooLarge(i)
			l.log.Error("message replaced by a note: it is too large to be stored", "vendor_id", i.Envelope.VendorID,
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

// tooLarge makes the note: an envelope of kind unparsed that says who said something, where and when, and nothing of what.
func tooLarge(in *conversation.Inbound) (*conversation.Inbound, error) {
	e := &envelope.Envelope{
		Channel: in.Channel, VendorID: in.Envelope.VendorID, Thread: in.Envelope.Thread, Sender: in.Envelope.Sender,
		SentAt: in.Envelope.SentAt, Kind: envelope.KindUnparsed,
		Attributes: map[string]string{"error": fmt.Sprintf("too large to be stored: %s of %d bytes", in.Envelope.Kind, len(in.Bytes))},
	}
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		return nil, err
	}
	note := &conversation.Inbound{Channel: in.Channel, Envelope: e, Bytes: b}
	if !writer.Fits(note) {
		return nil, fmt.Errorf("its thread and ids have %d bytes", len(b))
	}
	return note, nil
}
