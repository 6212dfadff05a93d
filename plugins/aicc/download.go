package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const opDownload = "download file"

// documentTypes are tried for a document whose type nobody says.
var documentTypes = []string{"pdf", "doc", "docx", "txt", "csv", "zip", "richtext"}

// Fetch implements sdk.Fetcher: it reads a file that an agent or the robot sent (downloadFileStream). Where the message
// does not say from which store the file is and of which type, the likely ones are tried in turn; to read has no effect.
func (a *adapter) Fetch(ctx context.Context, f *sdk.Fetching) (m *sdk.Medium, err error) {
	c, err := a.channel(f.Channel)
	if err != nil {
		return nil, err
	}
	defer func() { c.metrics.countFile(c.name, "down", err) }()
	if f.Part.Ref == "" || f.Thread == "" {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: opDownload, Text: "the file's id or its user is missing"}
	}
	st := readState(f.State)
	asks, known := c.downloads(&f.Part)
	var last error
	for _, ask := range asks {
		data, err := c.download(ctx, f.Thread, &st, ask, len(asks) == 1)
		if e, ok := errors.AsType[*noFile](err); ok {
			last = e.err
			continue
		}
		if err != nil {
			return nil, err
		}
		return &sdk.Medium{
			ContentType: mediumType(&f.Part, ask.FileType, known, data), Name: f.Part.Name, Size: int64(len(data)),
			Body: io.NopCloser(bytes.NewReader(data)),
		}, nil
	}
	return nil, last
}

// noFile is behind AICC's word that it has no such file; another store or type may have it.
type noFile struct{ err error }

// Error is that of the refusal.
func (e *noFile) Error() string { return e.err.Error() }

// downloads lists the calls that may find a part's file, the likely ones first; at least one. known tells whether the
// file's type is not a guess.
func (c *channel) downloads(p *envelope.Part) (asks []downloadRequest, known bool) {
	stores := []string{c.settings.Files}
	if store := p.Attributes[attrStore]; store != "" {
		stores = []string{store}
	} else if c.settings.Files == filesBoth {
		stores = []string{filesLocal, filesLibrary}
	}
	types, known := downloadTypes(p)
	for _, store := range stores {
		for _, ext := range types {
			ask := downloadRequest{FileID: p.Ref, FileType: ext, Channel: channelWeb}
			if store == filesLibrary {
				ask.MultiMedia = "multiMedia"
			} else {
				ask.FileID = "local/" + p.Ref
			}
			asks = append(asks, ask)
		}
	}
	return asks, known
}

// downloadTypes are the types that a part's file may have.
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

// download makes one call. A *noFile error means that another may do better; only means that there is no other.
func (c *channel) download(
	ctx context.Context, user string, st *threadState, ask downloadRequest, only bool,
) ([]byte, error) {
	limit := c.settings.MaxFileBytes
	a, err := c.authorized(ctx, opDownload, user, st, request{
		url: c.settings.BaseURL + apiPath + "downloadFileStream", body: ask, limit: base64Bytes(limit) + maxAnswer,
	})
	if errors.Is(err, errAnswerTooLarge) {
		return nil, tooLargeFile(limit)
	}
	if err != nil {
		return nil, harmless(err)
	}
	var r downloadReply
	if err := json.Unmarshal(a.body, &r); err != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opDownload, Text: "the answer is not JSON"}
	}
	c.show(&r.result, st)
	switch code := r.code(); {
	case code != codeDone && (code != "" || r.FileStream == "" && r.FileURL == ""): // an older sample has the file alone
		return nil, &noFile{refused(opDownload, &r.result, downloadError(r.code(), only), "")}
	case r.FileStream != "":
		return decodeFile(r.FileStream, limit)
	case r.FileURL != "":
		return c.follow(ctx, r.FileURL, limit)
	}
	return nil, &noFile{&sdk.Error{Kind: sdk.KindPermanent, Op: opDownload, Text: "AICC answers with neither bytes nor a link"}}
}

// base64Bytes is how many bytes base64 makes of n, with line breaks.
func base64Bytes(n int64) int64 { return n*4/3 + n/32 }

func tooLargeFile(limit int64) error {
	return &sdk.Error{Kind: sdk.KindUnsupported, Op: opDownload,
		Text: fmt.Sprintf("the file has more than %d bytes (max_file_bytes)", limit)}
}

// decodeFile reads a fileStream: base64, with or without line breaks, padding and the head of a data URL.
func decodeFile(s string, limit int64) ([]byte, error) {
	if strings.HasPrefix(s, "data:") {
		_, s, _ = strings.Cut(s, ",")
	}
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	data, err := base64.RawStdEncoding.DecodeString(s)
	switch {
	case err != nil:
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Op: opDownload, Text: "fileStream is not base64"}
	case int64(len(data)) > limit:
		return nil, tooLargeFile(limit)
	}
	return data, nil
}

// follow reads a file by the temporary link that AICC gave. It carries no credentials: the link is one.
func (c *channel) follow(ctx context.Context, link string, limit int64) ([]byte, error) {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Op: opDownload, Text: "fileUrl is no http address"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Op: opDownload, Text: "fileUrl is no http address"}
	}
	resp, err := c.host.HTTP.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // the link is a secret
		}
		return nil, harmless(sdk.FromTransport(opDownload, err))
	}
	defer resp.Body.Close()
	if e := sdk.FromStatus(opDownload, resp.StatusCode, resp.Header); e != nil {
		if e.Kind == sdk.KindUnauthorized {
			e.Kind = sdk.KindTransient // the link has expired: the next try gets another
		}
		return nil, e
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, harmless(sdk.FromTransport(opDownload, err))
	}
	if int64(len(data)) > limit {
		return nil, tooLargeFile(limit)
	}
	return data, nil
}

// mediumType is the media type of a file that AICC gave when asked for one with an extension. What the bytes look like
// counts more than an extension that was a guess, as long as it is the kind of medium that the part says it is.
func mediumType(p *envelope.Part, extension string, known bool, data []byte) string {
	ct := contentTypeOf(extension)
	seen := bareContentType(http.DetectContentType(data))
	fits := strings.HasPrefix(seen, string(p.Type)+"/")
	if p.Type == envelope.PartFile {
		fits = seen != "application/octet-stream" && (seen != "application/zip" || extension != "docx") // docx is a zip
	}
	if ct == "" || !known && fits {
		return seen
	}
	return ct
}
