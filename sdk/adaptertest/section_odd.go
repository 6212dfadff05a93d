package adaptertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// oddity changes a delivery to something that is odd and allowed.
type oddity struct {
	what   string
	change func(send *pluginpb.SendAction, e *envelope.Envelope)
}

var oddities = []oddity{
	{"a state that is not its own", func(s *pluginpb.SendAction, _ *envelope.Envelope) { s.State = []byte("\x00{\"a\":") }},
	{"an empty state", func(s *pluginpb.SendAction, _ *envelope.Envelope) { s.State = nil }},
	{"a state that is null", func(s *pluginpb.SendAction, _ *envelope.Envelope) { s.State = []byte("null") }},
	{"a state that is a list", func(s *pluginpb.SendAction, _ *envelope.Envelope) { s.State = []byte("[]") }},
	{"no thread", func(s *pluginpb.SendAction, _ *envelope.Envelope) { s.Thread = "" }},
	{"an odd thread", func(s *pluginpb.SendAction, _ *envelope.Envelope) { s.Thread = "%2F/../\x00?&#ü" }},
	{"a long thread", func(s *pluginpb.SendAction, _ *envelope.Envelope) {
		s.Thread = strings.Repeat("t", envelope.MaxThreadBytes)
	}},
	{"a NUL in the text", func(_ *pluginpb.SendAction, e *envelope.Envelope) { setText(e, "a\x00b") }},
	{"control characters and marks of direction", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		setText(e,
			"\u202eabc\r\n\t\u200f\ufeff")
	}},
	{"emoji and marks", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		setText(e, "👩‍👩‍👧‍👦 e\u0301 𝔘")
	}},
	{"markup", func(_ *pluginpb.SendAction, e *envelope.Envelope) { setText(e, `<script>"&'{{.}}%s${x}</script>`) }},
	{"many parts", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		e.Parts = slices.Repeat([]envelope.Part{envelope.TextPart("x")}, envelope.MaxParts)
	}},
	{"no parts", func(_ *pluginpb.SendAction, e *envelope.Envelope) { e.Parts = nil }},
	{"no sender", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		e.Sender = envelope.Sender{Role: envelope.RoleSystem}
	}},
	{"a long name of the sender", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		e.Sender.Name, e.Sender.ID = strings.Repeat("ü", envelope.MaxIDBytes/2), strings.Repeat("i", envelope.MaxIDBytes)
	}},
	{"a time long ago", func(_ *pluginpb.SendAction, e *envelope.Envelope) { e.SentAt = time.Unix(1, 0) }},
	{"a time far ahead", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		e.SentAt = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	}},
	{"attributes of somebody else", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		e.Attributes = map[string]string{"exam.odd": "\x00\u202e", "a b": "", "x": strings.Repeat("y", 4000)}
	}},
	{"its own attributes with odd values", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		for k := range e.Attributes {
			e.Attributes[k] = "{\"a\":"
		}
	}},
	{"references", func(_ *pluginpb.SendAction, e *envelope.Envelope) {
		e.RefersTo = slices.Repeat([]string{"an id"}, envelope.MaxReferences)
	}},
	{"an odd history", func(s *pluginpb.SendAction, _ *envelope.Envelope) {
		for _, k := range []envelope.Kind{envelope.KindUnparsed, envelope.KindTyping, envelope.KindPassed, envelope.KindMessage} {
			b, err := protocol.EncodeEnvelope(&envelope.Envelope{Channel: "c", Thread: "t", Kind: k,
				Sender: envelope.Sender{Role: "observer"}})
			if err == nil {
				s.History = append(s.History, b)
			}
		}
	}},
}

func setText(e *envelope.Envelope, text string) {
	for i := range e.Parts {
		if e.Parts[i].Type == envelope.PartText {
			e.Parts[i].Text = text
		}
	}
}

// checkOdd delivers what is odd and allowed, in each of the examples.
func checkOdd(x *exam) {
	survives := x.assert("odd.survives", "no delivery ends the process")
	typed := x.assert("odd.typed", "no delivery panics, or would be repeated for ever")
	if !x.able("deliver") || x.data.main("deliver") == nil {
		survives.skip("no delivery in the exam data")
		typed.skip("no delivery in the exam data")
		return
	}
	for _, ex := range x.data.out {
		want := x.golden(ex)
		if ex.action != "deliver" || want == nil || want.Error != nil {
			continue // what fails already may be repeated
		}
		for _, o := range oddities {
			what := fmt.Sprintf("out/%s.http with %s", ex.name, o.what)
			got, err := x.performOdd(ex, o)
			if lost(err) {
				if !x.mourn(survives, what) {
					return
				}
				continue
			}
			survives.check(err != errHangs, "%s: %v", what, err)
			if typed.check(err == nil, "%s: %v", what, err) {
				repeated := got.kind() == "transient" || got.kind() == "unknown"
				typed.check(!repeated,
					"%s gave %s, though the vendor takes it: it would be repeated for ever; refuse what you can't carry as "+
						"invalid or unsupported", what, got.said())
			}
		}
	}
	survives.skip("no golden success in the exam data")
	typed.skip("no golden success in the exam data")
}

func (x *exam) performOdd(ex *exchange, o oddity) (*outcome, error) {
	call, err := x.deliverCall(ex)
	if err != nil {
		return nil, err
	}
	send := call.GetSend()
	e, err := protocol.DecodeEnvelope(send.GetEnvelope())
	if err != nil {
		return nil, err
	}
	o.change(send, e)
	if send.Envelope, err = protocol.EncodeEnvelope(e); err != nil {
		return nil, err
	}
	x.vendor.play(newStage(ex, false))
	b, err := x.begin(call, callTimeout)
	if err != nil {
		return nil, err
	}
	return x.end(b, callTimeout+soon)
}
