package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/httpclient"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

const opFetch = "fetch medium"

// Fetch implements pluginpb.PluginServiceServer. The SDK reads links; the adapter reads media that need credentials.
func (s *service) Fetch(req *pluginpb.FetchRequest, stream pluginpb.PluginService_FetchServer) error {
	id := req.GetId()
	if id == 0 { // the caller cancels by the context alone
		id = 1<<63 | s.fetches.Add(1)
	}
	ctx, ok := s.calls.start(stream.Context(), callFetch, id, 0)
	if !ok {
		return stream.Send(&pluginpb.FetchResponse{Error: errorToProto(errStopping)})
	}
	defer s.calls.end(callFetch, id)
	var streamErr error // error of sendChunks; if it is not an *sdk.Error, the stream is broken
	err := s.catchPanic("fetch", func() error {
		m, err := s.openMedium(ctx, req)
		if err != nil {
			return err
		}
		defer m.Body.Close()
		limit := req.GetMaxBytes()
		if limit <= 0 || limit > sdk.MaxMediaBytes {
			limit = sdk.MaxMediaBytes
		}
		if m.Size > limit {
			return mediumTooLarge(limit)
		}
		streamErr = sendChunks(m, limit, stream.Send)
		return streamErr
	})
	if _, typed := errors.AsType[*sdk.Error](err); err != nil && (streamErr == nil || typed) {
		return stream.Send(&pluginpb.FetchResponse{Error: deliverError(ctx, err)})
	}
	return streamErr
}

func fetchError(kind sdk.ErrorKind, format string, args ...any) *sdk.Error {
	return &sdk.Error{Kind: kind, Op: opFetch, Text: fmt.Sprintf(format, args...)}
}

func mediumTooLarge(limit int64) error {
	return fetchError(sdk.KindUnsupported, "the medium has more than %d bytes", limit)
}

// openMedium opens the medium of a request.
func (s *service) openMedium(ctx context.Context, req *pluginpb.FetchRequest) (*sdk.Medium, error) {
	f := &sdk.FetchRequest{
		Channel: req.GetChannel(), Thread: req.GetThread(), State: req.GetState(),
		Part: protocol.PartFromProto(req.GetPart()),
	}
	if f.Part.Ref == "" {
		f.Part.Ref = req.GetRef()
	}
	var m *sdk.Medium
	var err error
	switch fetcher, ok := s.adapter.(sdk.Fetcher); {
	case f.Part.URL != "":
		m, err = s.download(ctx, f.Channel, &f.Part)
	case !ok || f.Part.Ref == "":
		return nil, fetchError(sdk.KindUnsupported, "the medium has no link, and the adapter does not fetch media")
	default:
		m, err = fetcher.Fetch(ctx, f)
	}
	if err == nil && (m == nil || m.Body == nil) {
		err = errors.New("the adapter returned neither a medium nor an error")
	}
	return m, err
}

// sendChunks sends a medium, with its properties in the first chunk. It returns an *sdk.Error if the medium is
// truncated or too large, and otherwise the error of send.
func sendChunks(m *sdk.Medium, limit int64, send func(*pluginpb.FetchResponse) error) error {
	next := &pluginpb.FetchResponse{ContentType: property(m.ContentType), Size: m.Size, Name: property(m.Name)}
	total := int64(0)
	for buf := make([]byte, protocol.MaxChunkBytes); ; {
		n, end, err := readChunk(m.Body, buf)
		if total += int64(n); total > limit {
			return mediumTooLarge(limit)
		}
		if errors.Is(err, httpclient.ErrResponseTooLarge) { // by the limit of the adapter's client
			return &sdk.Error{Kind: sdk.KindUnsupported, Op: opFetch, Err: err}
		}
		if err != nil {
			return &sdk.Error{Kind: sdk.KindTransient, Op: opFetch, Err: err}
		}
		if end && total < m.Size {
			return fetchError(sdk.KindTransient, "truncated after %d of %d bytes", total, m.Size)
		}
		next.Data = buf[:n] // send encodes it before it returns
		if err := send(next); err != nil {
			return err
		}
		if end {
			return nil
		}
		next = &pluginpb.FetchResponse{}
	}
}

// readChunk reads until buf is full or the medium ends. io.ReadFull cannot be used: at the end of a medium it returns
// io.ErrUnexpectedEOF, the error of transports for a truncated medium.
func readChunk(r io.Reader, buf []byte) (n int, end bool, err error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err == io.EOF { // a wrapped io.EOF is a failure
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// maxPropertyBytes limits a medium's name and type; a longer one is omitted.
const maxPropertyBytes = 1 << 10

// property converts a medium's name or type to valid UTF-8, as the protocol needs it.
func property(s string) string {
	if len(s) > maxPropertyBytes {
		return ""
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
