package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// fetching is the JSON of a block ### fetch.
type fetching struct {
	Thread string          `json:"thread"`
	State  json.RawMessage `json:"state"`
	Part   envelope.Part   `json:"part"`
}

// fetchChunk is the most that one message of Fetch may carry.
const fetchChunk = 256 << 10

// fetch asks for a medium of at most most bytes; 0 leaves it to the adapter.
func (x *exam) fetch(ex *exchange, most int64) (*outcome, error) {
	var f fetching
	if err := x.strictly(ex.call, &f); err != nil {
		return nil, fmt.Errorf("out/%s.http: read fetch: %w", ex.name, err)
	}
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	stream, err := x.prog.rpc.Fetch(ctx, &pluginpb.FetchRequest{
		Channel: x.data.Channel, Ref: f.Part.Ref, Thread: f.Thread, State: stateBytes(f.State), MaxBytes: most,
		Part: &pluginpb.Part{
			Type: string(f.Part.Type), Text: f.Part.Text, Url: f.Part.URL, Ref: f.Part.Ref, ContentType: f.Part.ContentType,
			Name: f.Part.Name, Size: f.Part.Size, Attributes: f.Part.Attributes,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	out := &fetched{}
	var data []byte
	for first := true; ; first = false {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("fetch: %w", err)
		}
		if e := chunk.GetError(); e != nil {
			return &outcome{Error: x.readError("Fetch", e)}, nil
		}
		if n := len(chunk.GetData()); n > fetchChunk {
			return nil, fmt.Errorf("a chunk has %d bytes, at most %d", n, fetchChunk)
		}
		if first {
			out.ContentType, out.Name, out.Size = chunk.GetContentType(), chunk.GetName(), chunk.GetSize()
		}
		data = append(data, chunk.GetData()...)
	}
	if out.Size != 0 && out.Size != int64(len(data)) {
		return nil, fmt.Errorf("size is announced as %d, but there are %d bytes", out.Size, len(data))
	}
	out.Size, out.SHA256 = int64(len(data)), sum(data)
	return &outcome{Fetched: out}, nil
}

// listening is the JSON of a block ### listen.
type listening struct {
	Cursor  json.RawMessage `json:"cursor"`
	Threads []struct {
		Thread string          `json:"thread"`
		State  json.RawMessage `json:"state"`
	} `json:"threads"`
	// Batches is how many are awaited; 0 means 1.
	Batches int `json:"batches"`
}

// listen listens until the awaited batches came, and then ends the call. Batches are stored at once.
func (x *exam) listen(ex *exchange) (*outcome, error) {
	var l listening
	if err := x.strictly(ex.call, &l); err != nil {
		return nil, fmt.Errorf("out/%s.http: read listen: %w", ex.name, err)
	}
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	stream, err := x.prog.rpc.Subscribe(ctx)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	first := &pluginpb.SubscribeRequest{Channel: x.data.Channel, Cursor: stateBytes(l.Cursor)}
	for _, t := range l.Threads {
		first.Threads = append(first.Threads, &pluginpb.LiveThread{Thread: t.Thread, State: stateBytes(t.State)})
	}
	if err := stream.Send(first); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	out := &emitted{Envelopes: []*envelope.Envelope{}}
	for range max(l.Batches, 1) {
		batch, err := stream.Recv()
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		if e := batch.GetError(); e != nil {
			return &outcome{Error: x.readError("Listen", e)}, nil
		}
		list, err := x.readEnvelopes(batch.GetEnvelopes())
		if err != nil {
			return nil, err
		}
		out.Envelopes = append(out.Envelopes, list...)
		if batch.GetCursor() != nil {
			out.Cursor = readable(batch.GetCursor())
		}
		if err := stream.Send(&pluginpb.SubscribeRequest{Stored: batch.GetBatch()}); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	return &outcome{Emitted: out}, nil
}
