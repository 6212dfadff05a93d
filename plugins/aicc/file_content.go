package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// base64Bytes returns the size of n bytes in base64 with line breaks.
func base64Bytes(n int64) int64 { return n*4/3 + n/32 }

func tooLargeFile(limit int64) error {
	return &sdk.Error{Kind: sdk.KindUnsupported, Op: opDownload,
		Text: fmt.Sprintf("the file has more than %d bytes (max_file_bytes)", limit)}
}

// decodeFile decodes a fileStream: base64, with or without line breaks, padding or the prefix of a data URL.
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

// readLink reads a file from AICC's temporary link. The link itself is the credential, so the request has no others.
func (c *channel) readLink(ctx context.Context, link string, limit int64) ([]byte, error) {
	if !isLink(link) {
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Op: opDownload, Text: "fileUrl is not an http or https URL"}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Op: opDownload, Text: "fileUrl is not an http or https URL"}
	}
	resp, err := c.host.HTTP.Do(req)
	if err != nil {
		return nil, asTransient(sdk.FromTransport(opDownload, err))
	}
	defer resp.Body.Close()
	if e := sdk.FromStatus(opDownload, resp.StatusCode, resp.Header); e != nil {
		if e.Kind == sdk.KindUnauthorized {
			e.Kind = sdk.KindTransient // the link has expired; the next attempt gets a new one
		}
		return nil, e
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, asTransient(sdk.FromTransport(opDownload, err))
	}
	if int64(len(data)) > limit {
		return nil, tooLargeFile(limit)
	}
	if bareContentType(http.DetectContentType(data)) == "text/html" { // AICC has no files of this type
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opDownload, Text: "fileUrl leads to a web page instead of a file"}
	}
	return data, nil
}

// mediumType returns the media type of a file. If the requested extension was a guess, the detected type has priority,
// provided that it fits the type of the part.
func mediumType(p *envelope.Part, extension string, known bool, data []byte) string {
	ct := contentTypeOf(extension)
	detected := bareContentType(http.DetectContentType(data))
	fits := strings.HasPrefix(detected, string(p.Type)+"/")
	if p.Type == envelope.PartFile {
		isDocx := detected == "application/zip" && extension == "docx" // a docx file is a zip archive
		fits = detected != "application/octet-stream" && !isDocx
	}
	if ct == "" || !known && fits {
		return detected
	}
	return ct
}
