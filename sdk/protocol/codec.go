package protocol

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	"patchbay/sdk/protocol/pluginpb"
)

// Codec encodes the messages of the protocol as protobuf, for both sides. The messages of the Receive and Deliver
// streams use generated code, which is faster than the protobuf runtime and makes the same bytes.
func Codec() encoding.CodecV2 { return codec{encoding.GetCodecV2(proto.Name)} }

// codec uses the embedded codec for all messages that are not streamed.
type codec struct{ encoding.CodecV2 }

// streamed is a message with generated code.
type streamed interface {
	SizeVT() int
	MarshalToSizedBufferVT(to []byte) (int, error)
	UnmarshalVT(from []byte) error
}

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(streamed)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	size := m.SizeVT()
	if mem.IsBelowBufferPoolingThreshold(size) {
		data := make([]byte, size)
		if _, err := m.MarshalToSizedBufferVT(data); err != nil {
			return nil, fmt.Errorf("encode %T: %w", v, err)
		}
		return mem.BufferSlice{mem.SliceBuffer(data)}, nil
	}
	pool := mem.DefaultBufferPool()
	data := pool.Get(size)
	if _, err := m.MarshalToSizedBufferVT((*data)[:size]); err != nil {
		pool.Put(data)
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return mem.BufferSlice{mem.NewBuffer(data, pool)}, nil
}

// Unmarshal implements encoding.CodecV2. The result shares no memory with data. The strings in results of an adapter
// are UTF-8.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(streamed)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	whole := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer whole.Free()
	err := m.UnmarshalVT(whole.ReadOnlyData())
	if err == nil {
		err = checkResults(v)
	}
	if err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}

// checkResults returns an error if a string in a frame of results is not UTF-8.
func checkResults(frame any) error {
	switch f := frame.(type) {
	case *pluginpb.ReceiveResponse:
		for _, r := range f.GetResults() {
			if !validResponse(r.GetResponse()) || !validError(r.GetError()) {
				return errNotUTF8
			}
		}
	case *pluginpb.DeliverResponse:
		for _, r := range f.GetResults() {
			if !validUTF8(r.GetVendorId(), r.GetDegraded(), r.GetThread()) || !validError(r.GetError()) {
				return errNotUTF8
			}
		}
	}
	return nil
}
