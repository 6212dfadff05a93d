package adaptertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

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
		a := &pluginpb.AssignedMedium{Part: uint32(m.Part), ContentType: m.ContentType, Name: m.Name, Url: m.URL,
			Size: int64(len(m.Data))}
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
	chunk := &pluginpb.AttachRequest{Id: a.GetAttachment(), ContentType: a.GetContentType(), Name: a.GetName(),
		Size: int64(len(data))}
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
