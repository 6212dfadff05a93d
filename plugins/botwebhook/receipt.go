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

// receipt says what came of the question. When an answer breaks off, what came of it is the answer: the question had its
// effect, and to ask again would answer twice.
func (ch *channel) receipt(thread string, s *streamed) (*sdk.Receipt, error) {
	parts := s.parts()
	if len(parts) == 0 && s.err != nil {
		ch.observe(s.err)
		return nil, s.err
	}
	if len(parts) == 0 && !s.ended {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: opSend, Text: "the answer broke off before its first word",
			Err: s.why()}
	}
	ch.observe(s.err)
	e := &envelope.Envelope{
		Channel: ch.name, Thread: thread, VendorID: s.id, Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: envelope.RoleBot}, Parts: parts, Attributes: s.usage.attributes(),
	}
	if len(parts) == 0 {
		unparsed(e, "no text", s.raw)
		if s.size > len(s.raw) {
			attribute(e, attrRawBytes, strconv.Itoa(s.size))
		}
	}
	lost := bound(e)
	ch.metrics.count(e, s.usage)
	return &sdk.Receipt{VendorID: s.id, Replies: []*envelope.Envelope{e}, Degraded: joined(lost, s.lost())}, nil
}

// why is the reason for which the answer broke off, without addresses and words of people.
func (s *streamed) why() error {
	if s.cause == nil || errors.Is(s.cause, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return withoutAddress(s.cause)
}

// lost says what of the answer is not in the receipt, for operators.
func (s *streamed) lost() string {
	var lost []string
	switch {
	case s.err != nil:
		lost = append(lost, "the answer broke off: "+s.err.Error())
	case !s.ended:
		lost = append(lost, "the answer broke off: "+s.why().Error())
	}
	if s.audio > 0 {
		lost = append(lost, fmt.Sprintf("audio of about %d bytes left out, what it says kept where that came along", s.audio))
	}
	if len(s.strange) > 0 {
		lost = append(lost, "frames of unknown code left out: "+strings.Join(s.strange, ", "))
	}
	if s.broken > 0 {
		lost = append(lost, fmt.Sprintf("%d frames that can't be read left out", s.broken))
	}
	return strings.Join(lost, "; ")
}
