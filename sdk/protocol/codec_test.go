package protocol

import (
	"errors"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"patchbay/sdk/protocol/pluginpb"
)

// fill sets all fields of m. Strings are results of text. In a oneof, fill sets the last field.
func fill(m protoreflect.Message, text func() string) {
	fields := m.Descriptor().Fields()
	value := func(f protoreflect.FieldDescriptor, empty func() protoreflect.Value) protoreflect.Value {
		switch f.Kind() {
		case protoreflect.StringKind:
			return protoreflect.ValueOfString(text())
		case protoreflect.BytesKind:
			return protoreflect.ValueOfBytes([]byte{0xff, 0})
		case protoreflect.BoolKind:
			return protoreflect.ValueOfBool(true)
		case protoreflect.Int32Kind:
			return protoreflect.ValueOfInt32(-5)
		case protoreflect.Int64Kind:
			return protoreflect.ValueOfInt64(-1 << 40)
		case protoreflect.Uint32Kind:
			return protoreflect.ValueOfUint32(300)
		case protoreflect.Uint64Kind:
			return protoreflect.ValueOfUint64(1 << 63)
		case protoreflect.DoubleKind:
			return protoreflect.ValueOfFloat64(-1.5)
		}
		v := empty()
		fill(v.Message(), text)
		return v
	}
	for i := range fields.Len() {
		switch f := fields.Get(i); {
		case f.IsList():
			list := m.Mutable(f).List()
			for range 2 {
				list.Append(value(f, list.NewElement))
			}
		case f.IsMap():
			m.Mutable(f).Map().Set(protoreflect.ValueOfString(text()).MapKey(), protoreflect.ValueOfString(text()))
		default:
			m.Set(f, value(f, func() protoreflect.Value { return m.NewField(f) }))
		}
	}
}

func TestCodecIsPlainProtobuf(t *testing.T) {
	open := &pluginpb.DeliverRequest{}
	fill(open.ProtoReflect(), func() string { return "ü" })
	send := &pluginpb.DeliverRequest{Calls: []*pluginpb.DeliverCall{{Action: &pluginpb.DeliverCall_Send{
		Send: &pluginpb.SendAction{}}}}}
	fill(send.GetCalls()[0].GetSend().ProtoReflect(), func() string { return "ü" })
	frames := []proto.Message{open, send, &pluginpb.ReceiveRequest{}, &pluginpb.ReceiveResponse{},
		&pluginpb.DeliverResponse{}, &pluginpb.ConfigureRequest{}}
	for _, m := range frames[2:] {
		fill(m.ProtoReflect(), func() string { return "ü" })
	}
	large := &pluginpb.ReceiveRequest{Calls: []*pluginpb.ReceiveCall{{Body: make([]byte, 1<<20)}}}
	for _, m := range append(frames, large, &pluginpb.DeliverResponse{}) {
		encoded, err := Codec().Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		back := m.ProtoReflect().New().Interface()
		if err := proto.Unmarshal(encoded.Materialize(), back); err != nil || !proto.Equal(m, back) {
			t.Errorf("%T: the runtime decodes %v: %v", m, back, err)
		}
		plain, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		back = m.ProtoReflect().New().Interface()
		halves := mem.BufferSlice{mem.SliceBuffer(plain[:len(plain)/2]), mem.SliceBuffer(plain[len(plain)/2:])}
		if err := Codec().Unmarshal(halves, back); err != nil || !proto.Equal(m, back) {
			t.Errorf("%T: the codec decodes %v: %v", m, back, err)
		}
	}
}

// Every string that an adapter sends is checked.
func TestCodecRefusesInvalidUTF8(t *testing.T) {
	decode := map[string]func([]byte) error{
		"envelope": func(b []byte) error { _, err := DecodeEnvelope(b); return err },
		"receive":  func(b []byte) error { return decodeFrame(b, &pluginpb.ReceiveResponse{}) },
		"deliver":  func(b []byte) error { return decodeFrame(b, &pluginpb.DeliverResponse{}) },
	}
	for name, encode := range map[string]func(text func() string) ([]byte, error){
		"envelope": func(text func() string) ([]byte, error) {
			m := &pluginpb.Envelope{}
			fill(m.ProtoReflect(), text)
			return m.MarshalVT()
		},
		"receive": func(text func() string) ([]byte, error) {
			m := &pluginpb.ReceiveResponse{}
			fill(m.ProtoReflect(), text)
			return m.MarshalVT()
		},
		"deliver": func(text func() string) ([]byte, error) {
			m := &pluginpb.DeliverResponse{}
			fill(m.ProtoReflect(), text)
			return m.MarshalVT()
		},
	} {
		strings := 0
		valid, err := encode(func() string { strings++; return "ü" })
		if err != nil || decode[name](valid) != nil || strings == 0 {
			t.Fatalf("%s with %d strings: %v, %v", name, strings, err, decode[name](valid))
		}
		for bad := range strings {
			n := 0
			b, err := encode(func() string {
				if n++; n-1 == bad {
					return "\xff"
				}
				return "ü"
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := decode[name](b); !errors.Is(err, errNotUTF8) {
				t.Errorf("%s: string %d is not checked: %v", name, bad, err)
			}
		}
	}
}

func decodeFrame(b []byte, into proto.Message) error {
	return Codec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, into)
}
