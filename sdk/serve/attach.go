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

// Bounds of the media that wait for their deliveries.
const (
	maxAttachedBytes = 64 << 20        // of all; the oldest make room
	attachedFor      = 5 * time.Minute // then the delivery will not come any more
)

// attachments are the media that came ahead of their deliveries. They are safe for concurrent use.
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
		return err // the stream broke
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
		return "", nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Text: fmt.Sprintf("needs a name, and a size of at most %d bytes", sdk.MaxMediaBytes)}
	}
	data := make([]byte, 0, first.GetSize())
	for next := first; ; {
		if int64(len(data)+len(next.GetData())) > first.GetSize() {
			return "", nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Text: "is larger than announced"}
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
		return "", nil, &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: fmt.Sprintf("has %d of %d bytes", len(data), first.GetSize())}
	}
	return first.GetId(), sdk.NewAttachment(first.GetContentType(), first.GetName(), data), nil
}

// put keeps a medium under a name, in place of a former one. The oldest make room for it: most likely nobody comes for
// them any more, and if somebody does, its delivery is tried again with all its media.
func (s *attachments) put(id string, a *sdk.Attachment, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(id)
	for name, old := range s.media {
		if now.Sub(old.at) > attachedFor {
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

// take returns the media of a delivery, in the order of the parts that are left of its envelope, and forgets them, also if
// one is missing.
func (s *attachments) take(assigned []*pluginpb.AssignedMedium) (out []*sdk.Attachment, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range assigned {
		if m.GetAttachment() == "" {
			continue
		}
		a := s.media[m.GetAttachment()]
		if a == nil {
			err = &sdk.Error{Kind: sdk.KindTransient, Op: "attach medium", Text: "a medium of the delivery is not here any more"}
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
