package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/text"
)

const (
	opUpload    = "upload file"
	maxFileName = 100 // bytes of the file name in a FILE message
)

// upload stores a file at AICC (uploadFileStream) and returns the content of the message that shows it. Repeating an
// upload is harmless, because no message refers to the unused file.
func (c *channel) upload(
	ctx context.Context, user string, st *threadState, a *sdk.Attachment,
) (out content, err error) {
	defer func() { c.metrics.countFile(c.name, "up", err) }()
	kind, ok := uploadType(a)
	if !ok {
		return out, &sdk.Error{Kind: sdk.KindUnsupported, Op: opUpload,
			Text: fmt.Sprintf("AICC does not accept files of type %s", quote(a.ContentType))}
	}
	if a.Size() == 0 || a.Size() > c.settings.MaxFileBytes {
		return out, &sdk.Error{Kind: sdk.KindUnsupported, Op: opUpload,
			Text: fmt.Sprintf("the file has %d bytes; the channel accepts 1 to %d (max_file_bytes)", a.Size(),
				c.settings.MaxFileBytes)}
	}
	data, err := io.ReadAll(a.Reader())
	if err != nil {
		return out, &sdk.Error{Kind: sdk.KindTransient, Op: opUpload, Err: err}
	}
	key, err := c.callUpload(ctx, user, st, uploadRequest{
		FileType: kind.extension, FileStream: base64.StdEncoding.EncodeToString(data), Channel: channelWeb,
	})
	if err != nil {
		return out, err
	}
	return c.fileMessage(kind, key, a), nil
}

// callUpload makes the call and returns the file's key.
func (c *channel) callUpload(ctx context.Context, user string, st *threadState, u uploadRequest) (string, error) {
	a, err := c.callAuthorized(ctx, opUpload, user, st, request{
		url: c.settings.BaseURL + apiPath + "uploadFileStream", body: u,
	})
	if err != nil {
		return "", asTransient(err)
	}
	var r uploadResponse
	if err := json.Unmarshal(a.body, &r); err != nil || r.code() == "" {
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: opUpload, Text: "the response has no returnCode"}
	}
	c.redact(&r.result, st)
	if r.code() != codeDone {
		return "", refusalError(opUpload, &r.result, uploadError(r.code()), "")
	}
	if r.ObjectKey == "" {
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: opUpload, Text: "the response has no objectKey"}
	}
	return string(r.ObjectKey), nil
}

// fileMessage returns the content of a message with an uploaded file. The page of sendAsync appends the extension to
// the key for all media; the page of send does so only for FILE_IMAGE and FILE_VIDEO.
func (c *channel) fileMessage(kind fileType, key string, a *sdk.Attachment) content {
	typed := key + "," + kind.extension
	switch {
	case kind.mediaType == mediaFile:
		name := fileName(a.Name, kind.extension)
		return content{mediaType: mediaFile, text: fmt.Sprintf("%s,%d,%s,%s", name, a.Size(), key, kind.extension)}
	case c.settings.UploadAs == uploadFile && kind.mediaType == mediaImage:
		return content{mediaType: mediaFileImage, text: typed}
	case c.settings.UploadAs == uploadFile && kind.mediaType == mediaVideo:
		return content{mediaType: mediaFileVideo, text: typed}
	}
	return content{mediaType: kind.mediaType, text: key, asyncText: typed}
}

// fileName replaces control characters, and commas, which separate the fields of a FILE message.
func fileName(name, extension string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == ',' || unicode.IsControl(r) {
			return '_'
		}
		return r
	}, name))
	if name == "" {
		return "file." + extension
	}
	return text.Clip(name, maxFileName)
}
