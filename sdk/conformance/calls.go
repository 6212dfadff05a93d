package conformance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// delivery is the JSON of a block ### deliver.
type delivery struct {
	Thread   string              `json:"thread"`
	State    json.RawMessage     `json:"state"` // a string, or any other JSON as it is
	Key      string              `json:"key"`
	Attempt  int32               `json:"attempt"`
	Envelope *envelope.Envelope  `json:"envelope"`
	History  []envelope.Envelope `json:"history"`
	Media    []medium            `json:"media"`
}

// medium is attached to a delivery: its bytes as text, or a link.
type medium struct {
	Part        uint32 `json:"part"`
	ContentType string `json:"content_type"`
	Name        string `json:"name"`
	Data        string `json:"data"`
	URL         string `json:"url"`
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
	Attempt      int32             `json:"attempt"`
}

// fetching is the JSON of a block ### fetch.
type fetching struct {
	Thread string          `json:"thread"`
	State  json.RawMessage `json:"state"`
	Part   envelope.Part   `json:"part"`
}

// subscribing is the JSON of a block ### subscribe.
type subscribing struct {
	Cursor  json.RawMessage `json:"cursor"`
	Threads []struct {
		Thread string          `json:"thread"`
		State  json.RawMessage `json:"state"`
	} `json:"threads"`
	// Batches is the number of batches that are awaited; 0 means 1.
	Batches int `json:"batches"`
}

// readCall reads the JSON of an exchange's call. Mistakes are the author's, and end the suite.
func readCall[T any](p *probe, x *exchange) (v T) {
	dec := json.NewDecoder(strings.NewReader(strings.ReplaceAll(string(x.call), vendorMark, p.vendor.base)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		p.abort(fmt.Errorf("out/%s.http: read %s: %w", x.name, x.action, err))
	}
	return v
}

// stateBytes is a state in the form in which the adapter made it.
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

// deliverCall makes the call of a deliver or open exchange.
func (p *probe) deliverCall(x *exchange) *pluginpb.DeliverCall {
	call := &pluginpb.DeliverCall{Channel: p.data.Channel}
	if x.action == "open" {
		o := readCall[opening](p, x)
		call.Key, call.Attempt = cmp.Or(o.Key, uuid.NewString()), max(o.Attempt, 1)
		call.Action = &pluginpb.DeliverCall_Open{Open: &pluginpb.OpenAction{
			Conversation: cmp.Or(o.Conversation, uuid.NewString()), Epoch: max(o.Epoch, 1), Reason: o.Reason, Offer: o.Offer,
			Customer: protocol.SenderToProto(o.Customer), CustomerId: cmp.Or(o.CustomerID, envelope.ShortID("conformance", o.Customer.ID)),
			Attributes: o.Attributes,
		}}
		return call
	}
	d := readCall[delivery](p, x)
	if d.Envelope == nil {
		p.abort(fmt.Errorf("out/%s.http: read deliver: envelope: missing", x.name))
	}
	e := d.Envelope
	e.ID = cmp.Or(e.ID, uuid.Must(uuid.NewV7()).String())
	e.Channel, e.Conversation = cmp.Or(e.Channel, "elsewhere"), cmp.Or(e.Conversation, uuid.NewString())
	if e.AcceptedAt.IsZero() {
		if e.AcceptedAt = e.SentAt; e.AcceptedAt.IsZero() { // so that examples need not name both
			e.AcceptedAt = time.Now()
		}
	}
	send := &pluginpb.SendAction{Thread: d.Thread, State: stateBytes(d.State), Envelope: p.encode(e), Assigned: &pluginpb.Assigned{
		Id: e.ID, Conversation: e.Conversation, Epoch: e.Epoch, AcceptedAt: timestamppb.New(e.AcceptedAt), Hops: int32(e.Hops),
	}}
	for i := range d.History {
		send.History = append(send.History, p.encode(&d.History[i]))
	}
	for _, m := range d.Media {
		a := &pluginpb.AssignedMedium{Part: m.Part, ContentType: m.ContentType, Name: m.Name, Url: m.URL, Size: int64(len(m.Data))}
		if m.URL == "" {
			a.Attachment = uuid.NewString()
			p.attach(x.name, a, []byte(m.Data))
		}
		send.Assigned.Media = append(send.Assigned.Media, a)
	}
	call.Key, call.Attempt = cmp.Or(d.Key, uuid.NewString()), max(d.Attempt, 1)
	call.Action = &pluginpb.DeliverCall_Send{Send: send}
	return call
}

func (p *probe) encode(e *envelope.Envelope) []byte {
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		p.abort(err)
	}
	return b
}

// maxChunk is the most bytes that one message of Attach or Fetch may carry.
const maxChunk = protocol.MaxChunkBytes

// attach hands over a medium. A refusal is a finding of the running check.
func (p *probe) attach(name string, a *pluginpb.AssignedMedium, data []byte) {
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	stream, err := p.subject.rpc.Attach(ctx)
	if err == nil {
		chunk := &pluginpb.AttachRequest{Id: a.GetAttachment(), ContentType: a.GetContentType(), Name: a.GetName(), Size: int64(len(data))}
		for first := true; first || len(data) > 0; first = false {
			n := min(len(data), maxChunk)
			chunk.Data, data = data[:n], data[n:]
			if stream.Send(chunk) != nil {
				break // the answer says why
			}
			chunk = &pluginpb.AttachRequest{}
		}
		var resp *pluginpb.AttachResponse
		resp, err = stream.CloseAndRecv()
		if e := resp.GetError(); err == nil && e != nil {
			err = fmt.Errorf("refused as %s: %s", e.GetKind(), e.GetText())
		}
	}
	p.expect(err == nil, "out/%s.http: attach a medium of %d bytes: %v; take each medium that media_bytes allows", name, a.GetSize(), err)
}

// fetch asks for a medium of at most limit bytes; 0 leaves the limit to the adapter.
func (p *probe) fetch(x *exchange, limit int64) *outcome {
	f := readCall[fetching](p, x)
	return p.fetchPart(f.Part, f.Thread, stateBytes(f.State), limit)
}

func (p *probe) fetchPart(part envelope.Part, thread string, state []byte, limit int64) *outcome {
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	stream, err := p.subject.rpc.Fetch(ctx, &pluginpb.FetchRequest{
		Channel: p.data.Channel, Ref: part.Ref, Thread: thread, State: state, MaxBytes: limit, Part: protocol.PartToProto(&part),
	})
	out := &fetched{}
	var data []byte
	for first := true; err == nil; first = false {
		var chunk *pluginpb.FetchResponse
		if chunk, err = stream.Recv(); err != nil {
			break
		}
		if e := chunk.GetError(); e != nil {
			return p.failed("Fetch", e)
		}
		if n := len(chunk.GetData()); n > maxChunk {
			return &outcome{lost: fmt.Sprintf("a chunk of %d bytes: send at most %d", n, maxChunk)}
		}
		if first {
			out.ContentType, out.Name, out.Size = chunk.GetContentType(), chunk.GetName(), chunk.GetSize()
		}
		data = append(data, chunk.GetData()...)
	}
	if !isEnd(err) {
		return &outcome{lost: "fetch: " + err.Error()}
	}
	if out.Size != 0 && out.Size != int64(len(data)) {
		return &outcome{lost: fmt.Sprintf("size is announced as %d, but there are %d bytes", out.Size, len(data))}
	}
	out.Size, out.SHA256 = int64(len(data)), checksum(data)
	return &outcome{Fetched: out}
}

// subscribe reads batches until those that are awaited came, and then ends the call. Batches are stored immediately.
func (p *probe) subscribe(x *exchange) *outcome {
	l := readCall[subscribing](p, x)
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	first := &pluginpb.SubscribeRequest{Channel: p.data.Channel, Cursor: stateBytes(l.Cursor)}
	for _, t := range l.Threads {
		first.Threads = append(first.Threads, &pluginpb.LiveThread{Thread: t.Thread, State: stateBytes(t.State)})
	}
	stream, err := p.subject.rpc.Subscribe(ctx)
	if err == nil {
		err = stream.Send(first)
	}
	out := &emitted{Envelopes: []*envelope.Envelope{}}
	for range max(l.Batches, 1) {
		var batch *pluginpb.SubscribeResponse
		if err == nil {
			batch, err = stream.Recv()
		}
		if err != nil {
			return &outcome{lost: "subscribe: " + err.Error()}
		}
		if e := batch.GetError(); e != nil {
			return p.failed("Subscribe", e)
		}
		list, invalid := p.readEnvelopes(batch.GetEnvelopes())
		if invalid != nil {
			return &outcome{lost: invalid.Error()}
		}
		out.Envelopes = append(out.Envelopes, list...)
		if batch.GetCursor() != nil {
			out.Cursor = readable(batch.GetCursor())
		}
		err = stream.Send(&pluginpb.SubscribeRequest{Stored: batch.GetBatch()})
	}
	return &outcome{Emitted: out}
}

// readEnvelopes decodes and validates envelopes that an adapter made.
func (p *probe) readEnvelopes(list [][]byte) (out []*envelope.Envelope, err error) {
	for i, b := range list {
		e, err := protocol.DecodeEnvelope(b)
		if err == nil {
			err = e.Validate()
		}
		if err == nil && e.Channel != p.data.Channel {
			err = fmt.Errorf("channel: is %q, expected %q", e.Channel, p.data.Channel)
		}
		if err != nil {
			return nil, errors.New("envelope " + fmt.Sprint(i) + " is invalid: " + strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		p.witness.hear("an envelope", string(b))
		out = append(out, e)
	}
	return out, nil
}
