package adaptertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/durationpb"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// delivery is the JSON of a block ### deliver.
type delivery struct {
	Thread   string              `json:"thread"`
	State    json.RawMessage     `json:"state"` // a string, or any other JSON as it is
	Key      string              `json:"key"`
	Attempt  int                 `json:"attempt"`
	Envelope *envelope.Envelope  `json:"envelope"`
	History  []envelope.Envelope `json:"history"`
	Media    []medium            `json:"media"`
}

// medium is what a delivery has attached.
type medium struct {
	Part        int    `json:"part"`
	ContentType string `json:"content_type"`
	Name        string `json:"name"`
	Data        string `json:"data"` // text
	URL         string `json:"url"`  // instead of data: a link
}

// opening is the JSON of a block ### open.
type opening struct {
	Conversation string            `json:"conversation"`
	Epoch        uint64            `json:"epoch"`
	Customer     envelope.Sender   `json:"customer"`
	CustomerID   string            `json:"customer_id"`
	Offer        bool              `json:"offer"`
	Reason       string            `json:"reason"`
	Attributes   map[string]string `json:"attributes"`
	Key          string            `json:"key"`
	Attempt      int               `json:"attempt"`
}

// strictly reads JSON of the exam data.
func (x *exam) strictly(text []byte, into any) error {
	dec := json.NewDecoder(strings.NewReader(strings.ReplaceAll(string(text), vendorMark, x.vendor.base)))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// stateBytes is a state as the adapter made it.
func stateBytes(raw json.RawMessage) []byte {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text)
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw
	}
	return b.Bytes()
}

// deliverCall builds the call of a deliver or open exchange.
func (x *exam) deliverCall(ex *exchange) (*pluginpb.DeliverCall, error) {
	call := &pluginpb.DeliverCall{Channel: x.data.Channel, Key: uuid.NewString(), Attempt: 1}
	var err error
	switch ex.action {
	case "deliver":
		err = x.sendCall(ex, call)
	case "open":
		var o opening
		if err = x.strictly(ex.call, &o); err != nil {
			break
		}
		if o.CustomerID == "" {
			o.CustomerID = envelope.ShortID("exam", o.Customer.ID)
		}
		call.Key, call.Attempt = orElse(o.Key, call.Key), max(int32(o.Attempt), 1)
		call.Action = &pluginpb.DeliverCall_Open{Open: &pluginpb.OpenAction{
			Conversation: orElse(o.Conversation, uuid.NewString()), Epoch: max(o.Epoch, 1), Reason: o.Reason, Offer: o.Offer,
			Customer: protocol.SenderToProto(o.Customer), CustomerId: o.CustomerID, Attributes: o.Attributes,
		}}
	}
	if err != nil {
		return nil, fmt.Errorf("out/%s.http: read %s: %w", ex.name, ex.action, err)
	}
	return call, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (x *exam) sendCall(ex *exchange, call *pluginpb.DeliverCall) error {
	var d delivery
	if err := x.strictly(ex.call, &d); err != nil {
		return err
	}
	if d.Envelope == nil {
		return fmt.Errorf("envelope: missing")
	}
	e := d.Envelope
	if e.ID == "" {
		e.ID = uuid.Must(uuid.NewV7()).String()
	}
	e.Channel, e.Conversation = orElse(e.Channel, "elsewhere"), orElse(e.Conversation, uuid.NewString())
	if e.AcceptedAt.IsZero() {
		if e.AcceptedAt = e.SentAt; e.AcceptedAt.IsZero() { // so that examples need not name both
			e.AcceptedAt = time.Now()
		}
	}
	text, err := protocol.EncodeEnvelope(e)
	if err != nil {
		return err
	}
	send := &pluginpb.SendAction{Thread: d.Thread, State: stateBytes(d.State), Envelope: text}
	whole := protocol.EnvelopeToProto(e)
	send.Assigned = &pluginpb.Assigned{
		Id: e.ID, Conversation: e.Conversation, Epoch: e.Epoch, AcceptedAt: whole.GetAcceptedAt(), Hops: int32(e.Hops),
	}
	for i := range d.History {
		b, err := protocol.EncodeEnvelope(&d.History[i])
		if err != nil {
			return err
		}
		send.History = append(send.History, b)
	}
	for _, m := range d.Media {
		a := &pluginpb.AssignedMedium{Part: uint32(m.Part), ContentType: m.ContentType, Name: m.Name, Url: m.URL, Size: int64(len(m.Data))}
		if m.URL == "" {
			a.Attachment = uuid.NewString()
			if err := x.attach(a, []byte(m.Data)); err != nil {
				return err
			}
		}
		send.Assigned.Media = append(send.Assigned.Media, a)
	}
	call.Key, call.Attempt = orElse(d.Key, call.Key), max(int32(d.Attempt), 1)
	call.Action = &pluginpb.DeliverCall_Send{Send: send}
	return nil
}

// attachChunk is the most that one message of Attach carries.
const attachChunk = 256 << 10

// attach hands over a medium.
func (x *exam) attach(a *pluginpb.AssignedMedium, data []byte) error {
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	stream, err := x.prog.rpc.Attach(ctx)
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	chunk := &pluginpb.AttachRequest{Id: a.GetAttachment(), ContentType: a.GetContentType(), Name: a.GetName(), Size: int64(len(data))}
	for first := true; first || len(data) > 0; first = false {
		n := min(len(data), attachChunk)
		chunk.Data, data = data[:n], data[n:]
		if stream.Send(chunk) != nil {
			break // the answer says why
		}
		chunk = &pluginpb.AttachRequest{}
	}
	resp, err := stream.CloseAndRecv()
	if err != nil {
		return fmt.Errorf("attach: %w", err)
	}
	if e := resp.GetError(); e != nil {
		return fmt.Errorf("attach: refused: %s: %s", e.GetKind(), e.GetText())
	}
	return nil
}

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

// begun is an outbound call under way.
type begun struct {
	id     uint64
	open   bool
	result chan *pluginpb.DeliverResult
}

// begin starts an outbound call with a limit of its own.
func (x *exam) begin(call *pluginpb.DeliverCall, limit time.Duration) (*begun, error) {
	if x.prog.deliver == nil {
		return nil, fmt.Errorf("the adapter does not have the ability deliver")
	}
	b := &begun{open: call.GetOpen() != nil}
	b.id, b.result = x.prog.deliver.begin()
	call.Id, call.Timeout = b.id, durationpb.New(limit)
	return b, x.prog.deliver.put(call)
}

// end waits for the result of a call, for at most limit.
func (x *exam) end(b *begun, limit time.Duration) (*outcome, error) {
	r, err := x.prog.deliver.wait(x.ctx, b.result, limit)
	if err != nil {
		return nil, err
	}
	return x.readDelivered(b.open, r)
}

// perform plays an exchange, whatever its action is, and returns what came of it.
func (x *exam) perform(ex *exchange, limit time.Duration) (*outcome, error) {
	switch ex.action {
	case "fetch":
		return x.fetch(ex, 0)
	case "listen":
		return x.listen(ex)
	}
	call, err := x.deliverCall(ex)
	if err != nil {
		return nil, err
	}
	b, err := x.begin(call, limit)
	if err != nil {
		return nil, err
	}
	return x.end(b, limit+soon)
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
