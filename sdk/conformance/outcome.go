package conformance

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// outcome is the result of an outbound call in the form of golden files. Exactly one member is set.
type outcome struct {
	Receipt *receipt `json:"receipt,omitempty"`
	Opened  *opened  `json:"opened,omitempty"`
	Fetched *fetched `json:"fetched,omitempty"`
	Emitted *emitted `json:"emitted,omitempty"`
	Error   *failure `json:"error,omitempty"`

	lost string // why there is no usable result
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

// succeeded reports whether the call had a usable result without an error.
func (o *outcome) succeeded() bool { return o.lost == "" && o.Error == nil }

// replies are the replies of a receipt.
func (o *outcome) replies() []*envelope.Envelope {
	if o.Receipt == nil {
		return nil
	}
	return o.Receipt.Replies
}

// kind is the kind of the error, "" for success, and "lost" if there is no usable result.
func (o *outcome) kind() string {
	switch {
	case o.lost != "":
		return "lost"
	case o.Error != nil:
		return o.Error.Kind
	}
	return ""
}

// String describes the outcome for a finding.
func (o *outcome) String() string {
	switch {
	case o.lost != "":
		return o.lost
	case o.Error == nil:
		return "success"
	}
	return strings.TrimSuffix("an error of kind "+o.Error.Kind+" ("+o.Error.text+")", " ()")
}

// readDelivered reads the result of a deliver or open call.
func (p *probe) readDelivered(open bool, r *pluginpb.DeliverResult) *outcome {
	if e := r.GetError(); e != nil {
		return p.failed("Deliver", e)
	}
	var state any
	if r.GetHasState() {
		state = readable(r.GetState())
	}
	const maxState = 4 << 10
	if n := len(r.GetState()); n > maxState {
		return &outcome{lost: fmt.Sprintf("a thread state of %d bytes: keep at most %d", n, maxState)}
	}
	if open {
		if n := len(r.GetThread()); n == 0 || n > envelope.MaxThreadBytes {
			return &outcome{lost: fmt.Sprintf("a thread of %d bytes: it must have 1 to %d", n, envelope.MaxThreadBytes)}
		}
		return &outcome{Opened: &opened{Thread: r.GetThread(), State: state, Accepted: r.GetAccepted()}}
	}
	replies, err := p.readEnvelopes(r.GetReplies())
	if err != nil {
		return &outcome{lost: "reply: " + err.Error()}
	}
	p.witness.hear("a receipt", r.GetDegraded(), r.GetVendorId())
	return &outcome{Receipt: &receipt{VendorID: r.GetVendorId(), State: state, Replies: replies, Degraded: r.GetDegraded()}}
}

// failed reads an error.
func (p *probe) failed(call string, e *pluginpb.Error) *outcome {
	p.witness.hear("an error of "+call, e.GetText(), e.GetOp(), e.GetField(), e.GetCode(), e.GetReason())
	f := &failure{
		Kind: cmp.Or(e.GetKind(), "of no kind"), Status: e.GetStatus(), Code: e.GetCode(), Reason: e.GetReason(), Field: e.GetField(),
		Scope: e.GetScope(), text: e.GetText(),
	}
	if d := e.GetAfter().AsDuration(); d > 0 {
		f.After = d.String()
	}
	return &outcome{Error: f}
}

// received is the result of an inbound call.
type received struct {
	lost        string // why there is no usable result
	envelopes   []*envelope.Envelope
	refused     *pluginpb.Error
	status      int // of the answer that the vendor gets
	contentType string
	body        []byte
}

// accepted reports whether the call was taken.
func (r *received) accepted() bool { return r.lost == "" && r.refused == nil && r.status < 300 }

// String describes the result for a finding.
func (r *received) String() string {
	switch {
	case r.lost != "":
		return r.lost
	case r.refused != nil:
		return fmt.Sprintf("refused with %d: %s", r.status, strings.TrimSpace(r.refused.GetField()+" "+r.refused.GetText()))
	}
	return fmt.Sprintf("answered with %d, %d envelopes", r.status, len(r.envelopes))
}

// readReceived reads the result of an inbound call.
func (p *probe) readReceived(r *pluginpb.ReceiveResult) *received {
	out := &received{refused: r.GetError()}
	if e := r.GetError(); e != nil {
		p.witness.hear("an error of Receive", e.GetText(), string(e.GetBody()), e.GetField(), e.GetOp())
		out.status, out.contentType, out.body = refusal(p.subject.endpoint, e)
		return out
	}
	a := r.GetAnswer()
	out.status, out.contentType, out.body = cmp.Or(int(a.GetStatus()), http.StatusOK), a.GetContentType(), a.GetBody()
	p.witness.hear("an answer to the vendor", string(out.body))
	var err error
	if out.envelopes, err = p.readEnvelopes(r.GetEnvelopes()); err != nil {
		out.lost = err.Error()
	}
	return out
}

// statuses are the HTTP statuses of the kinds that answer a vendor.
var statuses = map[string]int{
	"invalid": 400, "unauthorized": 401, "unsupported": 415, "throttled": 429, "transient": 503,
}

// refusal returns the answer that the gateway gives for an inbound error.
func refusal(c *pluginpb.ConfigureResponse, e *pluginpb.Error) (status int, contentType string, body []byte) {
	status = cmp.Or(int(e.GetStatus()), statuses[e.GetKind()], http.StatusInternalServerError)
	if body = e.GetBody(); body == nil {
		body = fillTemplate(c, status, http.StatusText(status))
	}
	return status, c.GetRefusalContentType(), body
}

// fillTemplate fills in a channel's refusal template.
func fillTemplate(c *pluginpb.ConfigureResponse, status int, text string) []byte {
	if strings.Contains(c.GetRefusalContentType(), "json") {
		quoted, _ := json.Marshal(text) // a string
		text = strings.Trim(string(quoted), `"`)
	}
	return []byte(strings.NewReplacer("{{status}}", strconv.Itoa(status), "{{text}}", text).Replace(c.GetRefusalBody()))
}

// readable is bytes in the form of golden files: JSON as it is, else text.
func readable(b []byte) any {
	if v, err := decodeJSON(b); err == nil {
		return v
	}
	return string(b)
}

func checksum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// isEnd reports whether a stream ended without an error.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }
