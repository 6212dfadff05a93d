package adaptertest

import (
	"fmt"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// outcome is what came of an outbound call, as goldens have it. Exactly one member is set.
type outcome struct {
	Receipt *receipt `json:"receipt,omitempty"`
	Opened  *opened  `json:"opened,omitempty"`
	Fetched *fetched `json:"fetched,omitempty"`
	Emitted *emitted `json:"emitted,omitempty"`
	Error   *failure `json:"error,omitempty"`
}

type receipt struct {
	VendorID string               `json:"vendor_id,omitempty"`
	State    any                  `json:"state,omitempty"`
	Replies  []*envelope.Envelope `json:"replies,omitempty"`
	Degraded string               `json:"degraded,omitempty"`
}

type opened struct {
	Thread   string `json:"thread"`
	State    any    `json:"state,omitempty"`
	Accepted bool   `json:"accepted,omitempty"`
}

type fetched struct {
	ContentType string `json:"content_type,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
}

type emitted struct {
	Envelopes []*envelope.Envelope `json:"envelopes"`
	Cursor    any                  `json:"cursor,omitempty"`
}

type failure struct {
	Kind   string `json:"kind"`
	Status int32  `json:"status,omitempty"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
	Field  string `json:"field,omitempty"`
	After  string `json:"after,omitempty"`
	Scope  string `json:"scope,omitempty"`

	text string
}

// kind is the error's, "" for success.
func (o *outcome) kind() string {
	if o.Error == nil {
		return ""
	}
	return o.Error.Kind
}

// said is the outcome for a finding.
func (o *outcome) said() string {
	if o.Error == nil {
		return "success"
	}
	return strings.TrimSuffix("an error of kind "+o.Error.Kind+" ("+o.Error.text+")", " ()")
}

func (x *exam) readDelivered(open bool, r *pluginpb.DeliverResult) (*outcome, error) {
	if e := r.GetError(); e != nil {
		return &outcome{Error: x.readError("Deliver", e)}, nil
	}
	var state any
	if r.GetHasState() {
		state = readable(r.GetState())
	}
	if len(r.GetState()) > 4<<10 {
		return nil, fmt.Errorf("the thread state has %d bytes, at most 4096", len(r.GetState()))
	}
	if open {
		if n := len(r.GetThread()); n == 0 || n > envelope.MaxThreadBytes {
			return nil, fmt.Errorf("the thread has %d bytes, it must have 1 to %d", n, envelope.MaxThreadBytes)
		}
		return &outcome{Opened: &opened{Thread: r.GetThread(), State: state, Accepted: r.GetAccepted()}}, nil
	}
	replies, err := x.readEnvelopes(r.GetReplies())
	if err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	x.witness.hear("a receipt", r.GetDegraded(), r.GetVendorId())
	return &outcome{Receipt: &receipt{VendorID: r.GetVendorId(), State: state, Replies: replies, Degraded: r.GetDegraded()}}, nil
}

func (x *exam) readError(of string, e *pluginpb.Error) *failure {
	x.witness.hear("an error of "+of, e.GetText(), e.GetOp(), e.GetField(), e.GetCode(), e.GetReason())
	f := &failure{
		Kind: e.GetKind(), Status: e.GetStatus(), Code: e.GetCode(), Reason: e.GetReason(), Field: e.GetField(),
		Scope: e.GetScope(), text: e.GetText(),
	}
	if d := e.GetAfter().AsDuration(); d > 0 {
		f.After = d.String()
	}
	return f
}

// readable is bytes as goldens have them: JSON as it is, else text.
func readable(b []byte) any {
	var v any
	if decodeJSON(b, &v) == nil {
		return v
	}
	return string(b)
}
