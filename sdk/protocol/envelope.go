package protocol

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// EnvelopeToProto converts an envelope. The result shares e's maps and its slices of strings and bytes.
func EnvelopeToProto(e *envelope.Envelope) *pluginpb.Envelope {
	out := &pluginpb.Envelope{
		Id: e.ID, Channel: e.Channel, VendorId: e.VendorID, Thread: e.Thread, Conversation: e.Conversation,
		Epoch: e.Epoch, Sender: SenderToProto(e.Sender), Kind: string(e.Kind), RefersTo: e.RefersTo,
		SentAt: timeToProto(e.SentAt), AcceptedAt: timeToProto(e.AcceptedAt), Attributes: e.Attributes,
		Cause: e.Cause, Hops: int32(e.Hops), Raw: e.Raw,
	}
	if len(e.Parts) > 0 {
		parts := make([]pluginpb.Part, len(e.Parts))
		out.Parts = make([]*pluginpb.Part, len(e.Parts))
		for i := range e.Parts {
			fillPart(&parts[i], &e.Parts[i])
			out.Parts[i] = &parts[i]
		}
	}
	return out
}

// EnvelopeFromProto converts an envelope. The result shares p's maps and its slices of strings and bytes.
func EnvelopeFromProto(p *pluginpb.Envelope) *envelope.Envelope {
	e := &envelope.Envelope{
		ID: p.GetId(), Channel: p.GetChannel(), VendorID: p.GetVendorId(), Thread: p.GetThread(),
		Conversation: p.GetConversation(), Epoch: p.GetEpoch(), Sender: SenderFromProto(p.GetSender()),
		Kind: envelope.Kind(p.GetKind()), RefersTo: p.GetRefersTo(), SentAt: timeFromProto(p.GetSentAt()),
		AcceptedAt: timeFromProto(p.GetAcceptedAt()), Attributes: p.GetAttributes(), Cause: p.GetCause(),
		Hops: int(p.GetHops()), Raw: p.GetRaw(),
	}
	if parts := p.GetParts(); len(parts) > 0 {
		e.Parts = make([]envelope.Part, len(parts))
		for i, part := range parts {
			e.Parts[i] = PartFromProto(part)
		}
	}
	return e
}

// EncodeEnvelope encodes an envelope as an Envelope message. The log stores these bytes, and the adapter that delivers
// the envelope gets the same bytes.
func EncodeEnvelope(e *envelope.Envelope) ([]byte, error) {
	p := EnvelopeToProto(e)
	b, err := p.MarshalVT()
	if err == nil && !validEnvelope(p) {
		err = errNotUTF8
	}
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	return b, nil
}

// DecodeEnvelope decodes the result of EncodeEnvelope. It drops unknown fields.
func DecodeEnvelope(b []byte) (*envelope.Envelope, error) {
	var p pluginpb.Envelope
	err := p.UnmarshalVT(b)
	if err == nil && !validEnvelope(&p) {
		err = errNotUTF8
	}
	if err != nil {
		return nil, fmt.Errorf("decode envelope: %w", err)
	}
	return EnvelopeFromProto(&p), nil
}

// Overlay replaces fields of an envelope by the values that the gateway assigned. If a.Text is set, it replaces all
// parts.
func Overlay(e *envelope.Envelope, a *pluginpb.Assigned) {
	if a == nil {
		return
	}
	e.ID, e.Conversation, e.Epoch = a.GetId(), a.GetConversation(), a.GetEpoch()
	e.AcceptedAt, e.Hops = timeFromProto(a.GetAcceptedAt()), int(a.GetHops())
	if a.GetText() != "" {
		e.Parts = []envelope.Part{envelope.TextPart(a.GetText())}
	} else {
		overlayMedia(e, a.GetMedia())
	}
	if len(a.GetAttributes()) == 0 {
		return
	}
	if e.Attributes == nil {
		e.Attributes = make(map[string]string, len(a.GetAttributes()))
	}
	for k, v := range a.GetAttributes() {
		e.Attributes[k] = v
	}
}

// overlayMedia replaces fields of media parts. A medium with alone set becomes the envelope's only part.
func overlayMedia(e *envelope.Envelope, media []*pluginpb.AssignedMedium) {
	for _, m := range media {
		if int64(m.GetPart()) >= int64(len(e.Parts)) {
			continue
		}
		p := &e.Parts[m.GetPart()]
		if m.GetUrl() != "" {
			p.URL = m.GetUrl()
		}
		if m.GetContentType() != "" {
			p.ContentType = m.GetContentType()
		}
		if m.GetName() != "" {
			p.Name = m.GetName()
		}
		if m.GetSize() != 0 {
			p.Size = m.GetSize()
		}
		if m.GetAlone() {
			e.Parts = []envelope.Part{*p}
			return
		}
	}
}

// SenderToProto converts a sender.
func SenderToProto(s envelope.Sender) *pluginpb.Sender {
	return &pluginpb.Sender{Role: string(s.Role), Id: s.ID, Name: s.Name}
}

// SenderFromProto converts a sender; nil gives the zero value.
func SenderFromProto(s *pluginpb.Sender) envelope.Sender {
	return envelope.Sender{Role: envelope.Role(s.GetRole()), ID: s.GetId(), Name: s.GetName()}
}

// PartToProto converts a part. The result shares p's items and attributes.
func PartToProto(p *envelope.Part) *pluginpb.Part {
	out := &pluginpb.Part{}
	fillPart(out, p)
	return out
}

func fillPart(out *pluginpb.Part, p *envelope.Part) {
	out.Type, out.Text, out.Url, out.Ref = string(p.Type), p.Text, p.URL, p.Ref
	out.ContentType, out.Name, out.Size = p.ContentType, p.Name, p.Size
	out.Latitude, out.Longitude = p.Latitude, p.Longitude
	out.Items, out.Attributes = p.Items, p.Attributes
}

// PartFromProto converts a part; nil gives the zero value. The result shares p's items and attributes.
func PartFromProto(p *pluginpb.Part) envelope.Part {
	return envelope.Part{
		Type: envelope.PartType(p.GetType()), Text: p.GetText(), URL: p.GetUrl(), Ref: p.GetRef(),
		ContentType: p.GetContentType(), Name: p.GetName(), Size: p.GetSize(), Latitude: p.GetLatitude(),
		Longitude: p.GetLongitude(), Items: p.GetItems(), Attributes: p.GetAttributes(),
	}
}

func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func timeFromProto(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
