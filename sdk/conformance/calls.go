package conformance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// delivery is the JSON of a block ### deliver. State is a string with the bytes, or any other JSON value as it is.
type delivery struct {
	Thread   string              `json:"thread"`
	State    json.RawMessage     `json:"state"`
	Key      string              `json:"key"`
	Attempt  int32               `json:"attempt"`
	Envelope envelope.Envelope   `json:"envelope"`
	History  []envelope.Envelope `json:"history"`
	Media    []struct {
		Part        uint32 `json:"part"`
		ContentType string `json:"content_type"`
		Name        string `json:"name"`
		Data        string `json:"data"` // bytes as text
		URL         string `json:"url"`  // instead of data
	} `json:"media"`
}

// subscribing is the JSON of a block ### subscribe.
type subscribing struct {
	Cursor  json.RawMessage `json:"cursor"`
	Threads []struct {
		Thread string          `json:"thread"`
		State  json.RawMessage `json:"state"`
	} `json:"threads"`
	Batches int `json:"batches"` // number of batches to wait for; 0 means 1
}

// readCall reads the JSON of an exchange's call into a T, which may be a message of the protocol. Errors end the suite.
func readCall[T any](p *probe, x *exchange) *T {
	v := new(T)
	var err error
	if m, ok := any(v).(proto.Message); ok {
		err = protojson.Unmarshal(x.call, m)
	} else {
		dec := json.NewDecoder(bytes.NewReader(x.call))
		dec.DisallowUnknownFields()
		err = dec.Decode(v)
	}
	if err != nil {
		p.abortIf(fmt.Errorf("%s: read %s: %w", x, x.action, err))
	}
	return v
}

// stateBytes returns a state as the adapter made it: the text of a string, or else compact JSON.
func stateBytes(raw json.RawMessage) []byte {
	var text string
	var b bytes.Buffer
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text)
	}
	_ = json.Compact(&b, raw) // it was valid when it was loaded
	return b.Bytes()
}

// deliverCall makes the call of a deliver or open exchange.
func (p *probe) deliverCall(x *exchange) *pluginpb.DeliverCall {
	call := &pluginpb.DeliverCall{Channel: p.data.Channel, Key: uuid.NewString(), Attempt: 1}
	if x.action == "open" {
		o := readCall[pluginpb.OpenAction](p, x)
		o.Conversation, o.Epoch = cmp.Or(o.GetConversation(), uuid.NewString()), max(o.GetEpoch(), 1)
		o.CustomerId = cmp.Or(o.GetCustomerId(), envelope.ShortID("conformance", o.GetCustomer().GetId()))
		call.Action = &pluginpb.DeliverCall_Open{Open: o}
		return call
	}
	d := readCall[delivery](p, x)
	e := &d.Envelope
	e.ID = cmp.Or(e.ID, uuid.Must(uuid.NewV7()).String())
	e.Channel, e.Conversation = cmp.Or(e.Channel, "elsewhere"), cmp.Or(e.Conversation, uuid.NewString())
	e.AcceptedAt = cmp.Or(e.AcceptedAt, e.SentAt, time.Now()) // examples may omit it
	send := &pluginpb.SendAction{Thread: d.Thread, State: stateBytes(d.State), Envelope: p.encode(e),
		Assigned: &pluginpb.Assigned{
			Id: e.ID, Conversation: e.Conversation, Epoch: e.Epoch, AcceptedAt: timestamppb.New(e.AcceptedAt),
			Hops: int32(e.Hops),
		}}
	for i := range d.History {
		send.History = append(send.History, p.encode(&d.History[i]))
	}
	for _, m := range d.Media {
		a := &pluginpb.AssignedMedium{Part: m.Part, ContentType: m.ContentType, Name: m.Name, Url: m.URL,
			Size: int64(len(m.Data))}
		if m.URL == "" {
			a.Attachment = uuid.NewString()
			p.attach(x, a, []byte(m.Data))
		}
		send.Assigned.Media = append(send.Assigned.Media, a)
	}
	call.Key, call.Attempt = cmp.Or(d.Key, call.Key), max(d.Attempt, 1)
	call.Action = &pluginpb.DeliverCall_Send{Send: send}
	return call
}

func (p *probe) encode(e *envelope.Envelope) []byte {
	b, err := protocol.EncodeEnvelope(e)
	p.abortIf(err)
	return b
}

// attach hands over a medium. A refusal is a finding of the running check.
func (p *probe) attach(x *exchange, a *pluginpb.AssignedMedium, data []byte) {
	stream, err := p.subject.rpc.Attach(p.ctx)
	p.require(err == nil, "%s: attach a medium: %v", x, err)
	head := min(len(data), protocol.MaxChunkBytes)
	_ = stream.Send(&pluginpb.AttachRequest{ // the response has the cause of a failure
		Id: a.GetAttachment(), ContentType: a.GetContentType(), Name: a.GetName(), Size: a.GetSize(), Data: data[:head],
	})
	for chunk := range slices.Chunk(data[head:], protocol.MaxChunkBytes) {
		_ = stream.Send(&pluginpb.AttachRequest{Data: chunk})
	}
	resp, err := stream.CloseAndRecv()
	p.expect(err == nil && resp.GetError() == nil, "%s: a medium of %d bytes can't be attached: %v %v", x, a.GetSize(),
		err, resp.GetError())
}

// fetch asks for a medium of at most limit bytes; 0 leaves the limit to the adapter.
func (p *probe) fetch(r *pluginpb.FetchRequest, limit int64) *outcome {
	r.Channel, r.Ref, r.MaxBytes = p.data.Channel, r.GetPart().GetRef(), limit
	stream, err := p.subject.rpc.Fetch(p.ctx, r)
	var first, chunk *pluginpb.FetchResponse
	var data []byte
	for err == nil {
		chunk, err = stream.Recv()
		if n := len(chunk.GetData()); chunk.GetError() != nil {
			return p.readError("Fetch", chunk.GetError())
		} else if n > protocol.MaxChunkBytes {
			return noResult("a chunk of %d bytes, expected at most %d", n, protocol.MaxChunkBytes)
		}
		first, data = cmp.Or(first, chunk), append(data, chunk.GetData()...)
	}
	n := int64(len(data))
	if err != io.EOF {
		return noResult("fetch: %v", err)
	} else if first.GetSize() != 0 && first.GetSize() != n {
		return noResult("size is announced as %d, but there are %d bytes", first.GetSize(), n)
	}
	return &outcome{Fetched: &fetched{first.GetContentType(), first.GetName(), n, checksum(data)}}
}

func noResult(text string, a ...any) *outcome { return &outcome{noResult: fmt.Sprintf(text, a...)} }

// subscribe reads the number of batches in the example, acknowledges each batch immediately, and then ends the call.
func (p *probe) subscribe(x *exchange) *outcome {
	l := readCall[subscribing](p, x)
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	next := &pluginpb.SubscribeRequest{Channel: p.data.Channel, Cursor: stateBytes(l.Cursor)}
	for _, t := range l.Threads {
		next.Threads = append(next.Threads, &pluginpb.LiveThread{Thread: t.Thread, State: stateBytes(t.State)})
	}
	stream, err := p.subject.rpc.Subscribe(ctx)
	out := &emitted{Envelopes: []*envelope.Envelope{}}
	for i := 0; i < max(l.Batches, 1) && err == nil; i++ {
		_ = stream.Send(next) // Recv returns the error
		var batch *pluginpb.SubscribeResponse
		if batch, err = stream.Recv(); batch.GetError() != nil {
			return p.readError("Subscribe", batch.GetError())
		} else if batch.GetCursor() != nil {
			out.Cursor = jsonOrText(batch.GetCursor())
		}
		list, invalid := p.readEnvelopes(batch.GetEnvelopes())
		err = cmp.Or(err, invalid)
		out.Envelopes = append(out.Envelopes, list...)
		next = &pluginpb.SubscribeRequest{Stored: batch.GetBatch()}
	}
	if err != nil {
		return noResult("subscribe: %v", err)
	}
	_ = stream.Send(next) // the call ends in any case
	return &outcome{Emitted: out}
}

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
			return nil, fmt.Errorf("envelope %d is invalid: %s", i, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		p.witness.inspect("an envelope", string(b))
		out = append(out, e)
	}
	return out, nil
}
