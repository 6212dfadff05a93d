package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const opDownload = "download file"

// documentTypes are tried for a document of unknown type.
var documentTypes = []string{"pdf", "doc", "docx", "txt", "csv", "zip", "richtext"}

// Fetch implements sdk.Fetcher. It reads a file from an agent or the robot (downloadFileStream). If the message does
// not state the file's store and type, it tries the likely ones in turn. Reading has no effect at AICC.
func (a *adapter) Fetch(ctx context.Context, f *sdk.FetchRequest) (m *sdk.Medium, err error) {
	c, err := a.channel(f.Channel)
	if err != nil {
		return nil, err
	}
	defer func() { c.metrics.countFile(c.name, "down", err) }()
	if f.Part.Ref == "" || f.Thread == "" {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opDownload, Text: "the file's id or its user id is missing"}
	}
	st := readState(f.State)
	candidates, known := c.downloads(&f.Part)
	var last error
	for _, candidate := range candidates {
		data, err := c.download(ctx, f.Thread, &st, candidate, len(candidates) == 1)
		if e, ok := errors.AsType[*notFound](err); ok {
			last = e.err
			continue
		}
		if err != nil {
			return nil, err
		}
		return &sdk.Medium{
			ContentType: mediumType(&f.Part, candidate.FileType, known, data),
			Name:        f.Part.Name, Size: int64(len(data)), Body: io.NopCloser(bytes.NewReader(data)),
		}, nil
	}
	return nil, last
}

// notFound means that AICC has no such file. Another candidate may succeed.
type notFound struct{ err error }

// Error implements error.
func (e *notFound) Error() string { return e.err.Error() }

// downloads returns the requests that may find a part's file, the most likely first. There is at least one. known
// reports whether the file's type is certain.
func (c *channel) downloads(p *envelope.Part) (candidates []downloadRequest, known bool) {
	stores := []string{c.settings.Files}
	if store := p.Attributes[attrStore]; store != "" {
		stores = []string{store}
	} else if c.settings.Files == filesBoth {
		stores = []string{filesLocal, filesLibrary}
	}
	types, known := downloadTypes(p)
	for _, store := range stores {
		for _, ext := range types {
			r := downloadRequest{FileID: p.Ref, FileType: ext, Channel: channelWeb}
			if store == filesLibrary {
				r.MultiMedia = "multiMedia"
			} else {
				r.FileID = "local/" + p.Ref
			}
			candidates = append(candidates, r)
		}
	}
	return candidates, known
}

// downloadTypes returns the types that a part's file may have.
func downloadTypes(p *envelope.Part) (types []string, known bool) {
	if ext := p.Attributes[attrFileType]; ext != "" {
		return []string{ext}, true
	}
	for _, name := range []string{p.Name, p.Ref} {
		if _, ok := byExtension(extensionOf(name)); ok {
			return []string{extensionOf(name)}, true
		}
	}
	switch p.Type {
	case envelope.PartImage:
		return []string{"jpg"}, false
	case envelope.PartAudio:
		return []string{"mp3"}, false
	case envelope.PartVideo:
		return []string{"mp4"}, false
	}
	return documentTypes, false
}

// download makes one call. onlyCandidate means that r is the only candidate. The error is a *notFound if another
// candidate may succeed.
func (c *channel) download(
	ctx context.Context, user string, st *threadState, r downloadRequest, onlyCandidate bool,
) ([]byte, error) {
	limit := c.settings.MaxFileBytes
	a, err := c.callAuthorized(ctx, opDownload, user, st, request{
		url: c.settings.BaseURL + apiPath + "downloadFileStream", body: r, limit: base64Bytes(limit) + maxResponse,
	})
	if errors.Is(err, errResponseTooLarge) {
		return nil, tooLargeFile(limit)
	}
	if err != nil {
		return nil, asTransient(err)
	}
	var resp downloadResponse
	if err := json.Unmarshal(a.body, &resp); err != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opDownload, Text: "the response is not JSON"}
	}
	c.redact(&resp.result, st)
	switch code := resp.code(); {
	case code != codeDone && (code != "" || resp.FileStream+resp.FileURL == ""): // an older sample has no code
		return nil, &notFound{refusalError(opDownload, &resp.result, downloadError(code, onlyCandidate), "")}
	case resp.FileStream != "":
		return decodeFile(resp.FileStream, limit)
	case resp.FileURL != "":
		return c.readLink(ctx, resp.FileURL, limit)
	}
	return nil, &notFound{&sdk.Error{Kind: sdk.KindPermanent, Op: opDownload,
		Text: "the response has neither fileStream nor fileUrl"}}
}
