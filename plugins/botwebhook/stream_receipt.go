package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// receipt returns the receipt for a streamed answer. Once text has arrived, GPTBots has processed the customer's
// message, which must not be sent again. The text then counts as the answer even if the stream was interrupted.
func (ch *channel) receipt(thread string, s *streamAnswer) (*sdk.Receipt, error) {
	parts := s.parts()
	if len(parts) == 0 && s.err != nil {
		ch.updateHealth(s.err)
		return nil, s.err
	}
	if len(parts) == 0 && !s.ended {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: opSend, Text: "the answer was interrupted before its first text",
			Err: s.interruption()}
	}
	ch.updateHealth(s.err)
	e := &envelope.Envelope{
		Channel: ch.name, Thread: thread, VendorID: s.id, Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: envelope.RoleBot}, Parts: parts, Attributes: s.usage.attributes(),
	}
	if len(parts) == 0 {
		setUnparsed(e, "no text", s.raw)
		if s.size > len(s.raw) {
			e.SetAttribute(attrRawBytes, strconv.Itoa(s.size))
		}
	}
	degraded := limitReply(e)
	ch.metrics.count(e, s.usage)
	notes := append([]string{degraded}, s.omissions()...)
	return &sdk.Receipt{VendorID: s.id, Replies: []*envelope.Envelope{e}, Degraded: joinNotes(notes...)}, nil
}

// interruption returns the cause of an interrupted answer.
func (s *streamAnswer) interruption() error {
	if s.cause == nil || errors.Is(s.cause, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return s.cause
}

// omissions returns notes about the missing parts of the answer.
func (s *streamAnswer) omissions() (notes []string) {
	switch {
	case s.err != nil:
		notes = append(notes, "the answer was interrupted: "+s.err.Error())
	case !s.ended:
		notes = append(notes, "the answer was interrupted: "+s.interruption().Error())
	}
	if s.audioBytes > 0 {
		notes = append(notes, fmt.Sprintf("audio of about %d bytes omitted; its transcript, if any, is kept", s.audioBytes))
	}
	if len(s.unknown) > 0 {
		notes = append(notes, "frames with unknown codes omitted: "+strings.Join(s.unknown, ", "))
	}
	if s.malformed > 0 {
		notes = append(notes, fmt.Sprintf("%d malformed frames omitted", s.malformed))
	}
	return notes
}
