package serve

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// Limits of attached media.
const (
	maxAttachedBytes = 64 << 20        // total size; above it, the oldest media are dropped
	maxAttachedAge   = 5 * time.Minute // the delivery of an older medium has been abandoned
)

// attachments holds media until their deliveries arrive. It is safe for concurrent use.
type attachments struct {
	mu    sync.Mutex
	media map[string]*attached
	bytes int64
}

type attached struct {
	*sdk.Attachment
	at time.Time
}

// Attach implements pluginpb.PluginServiceServer.
func (s *service) Attach(stream pluginpb.PluginService_AttachServer) error {
	id, a, err := readAttachment(stream.Recv)
	if err == nil {
		s.attached.put(id, a, time.Now())
	}
	if _, typed := errors.AsType[*sdk.Error](err); err != nil && !typed {
		return err // the stream is broken
	}
	out := &pluginpb.AttachResponse{}
	if err != nil {
		out.Error = errorToProto(err)
	}
	return stream.SendAndClose(out)
}

func readAttachment(recv func() (*pluginpb.AttachRequest, error)) (string, *sdk.Attachment, error) {
	const op = "attach medium"
	first, err := recv()
	if err != nil {
		return "", nil, err
	}
	if first.GetId() == "" || first.GetSize() < 0 || first.GetSize() > sdk.MaxMediaBytes {
		text := fmt.Sprintf("id missing, or size over %d bytes", sdk.MaxMediaBytes)
		return "", nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Text: text}
	}
	data := make([]byte, 0, first.GetSize())
	for next := first; ; {
		if int64(len(data)+len(next.GetData())) > first.GetSize() {
			return "", nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Text: "larger than announced"}
		}
		data = append(data, next.GetData()...)
		if next, err = recv(); errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", nil, err
		}
	}
	if int64(len(data)) != first.GetSize() {
		text := fmt.Sprintf("truncated after %d of %d bytes", len(data), first.GetSize())
		return "", nil, &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: text}
	}
	return first.GetId(), sdk.NewAttachment(first.GetContentType(), first.GetName(), data), nil
}

// put stores a medium, and replaces one with the same id. If there is no room, it drops the oldest media. Their
// deliveries have most likely been abandoned; otherwise they are retried with all their media.
func (s *attachments) put(id string, a *sdk.Attachment, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(id)
	for name, old := range s.media {
		if now.Sub(old.at) > maxAttachedAge {
			s.remove(name)
		}
	}
	for s.bytes+a.Size() > maxAttachedBytes && len(s.media) > 0 {
		s.remove(s.oldest())
	}
	if s.media == nil {
		s.media = map[string]*attached{}
	}
	s.media[id] = &attached{a, now}
	s.bytes += a.Size()
}

func (s *attachments) oldest() string {
	var first string
	for name, a := range s.media {
		if first == "" || a.at.Before(s.media[first].at) {
			first = name
		}
	}
	return first
}

// take removes the media of a delivery and returns them, indexed like the parts of the delivered envelope. If one is
// missing, it removes the others and returns an error.
func (s *attachments) take(assigned []*pluginpb.AssignedMedium) (out []*sdk.Attachment, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range assigned {
		if m.GetAttachment() == "" {
			continue
		}
		a := s.media[m.GetAttachment()]
		if a == nil {
			err = &sdk.Error{Kind: sdk.KindTransient, Op: "attach medium", Text: "a medium of the delivery was dropped"}
			continue
		}
		s.remove(m.GetAttachment())
		i := int(m.GetPart())
		if m.GetAlone() {
			i = 0
		}
		if i >= envelope.MaxParts {
			continue
		}
		for len(out) <= i {
			out = append(out, nil)
		}
		out[i] = a.Attachment
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *attachments) remove(id string) {
	if a := s.media[id]; a != nil {
		s.bytes -= a.Size()
		delete(s.media, id)
	}
}
