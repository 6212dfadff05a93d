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
)

const (
	opUpload    = "upload file"
	maxFileName = 100 // bytes of a file's name in a FILE message
)

// upload puts a file into AICC's store (uploadFileStream), and returns what the message says that shows it. A file that no
// message shows has no effect, so that every failure of the network is transient.
func (c *channel) upload(ctx context.Context, user string, st *threadState, a *sdk.Attachment) (said content, err error) {
	defer func() { c.metrics.countFile(c.name, "up", err) }()
	kind, ok := uploadType(a)
	if !ok {
		return said, &sdk.Error{Kind: sdk.KindUnsupported, Op: opUpload,
			Text: fmt.Sprintf("AICC takes no files of type %s", quoted(a.ContentType))}
	}
	if a.Size() == 0 || a.Size() > c.settings.MaxFileBytes {
		return said, &sdk.Error{Kind: sdk.KindUnsupported, Op: opUpload,
			Text: fmt.Sprintf("the file has %d bytes; from 1 to %d are sent (max_file_bytes)", a.Size(), c.settings.MaxFileBytes)}
	}
	data, err := io.ReadAll(a.Reader())
	if err != nil {
		return said, &sdk.Error{Kind: sdk.KindTransient, Op: opUpload, Err: err}
	}
	key, err := c.store(ctx, user, st, uploadRequest{
		FileType: kind.extension, FileStream: base64.StdEncoding.EncodeToString(data), Channel: channelWeb,
	})
	if err != nil {
		return said, err
	}
	return c.fileMessage(kind, key, a), nil
}

// store makes the call and returns the file's key.
func (c *channel) store(ctx context.Context, user string, st *threadState, u uploadRequest) (string, error) {
	a, err := c.authorized(ctx, opUpload, user, st, request{url: c.settings.BaseURL + apiPath + "uploadFileStream", body: u})
	if err != nil {
		return "", harmless(err)
	}
	var r uploadReply
	if err := json.Unmarshal(a.body, &r); err != nil || r.code() == "" {
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: opUpload, Text: "the answer has no returnCode"}
	}
	c.show(&r.result, st)
	if r.code() != codeDone {
		return "", refused(opUpload, &r.result, uploadError(r.code()), "")
	}
	if r.ObjectKey == "" {
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: opUpload, Text: "the answer has no objectKey"}
	}
	return string(r.ObjectKey), nil
}

// fileMessage is what a message says that shows an uploaded file. The page of sendAsync has the file's extension beside
// its key in all media; that of send has it in FILE_IMAGE and FILE_VIDEO alone.
func (c *channel) fileMessage(kind fileType, key string, a *sdk.Attachment) content {
	typed := key + "," + kind.extension
	switch {
	case kind.media == mediaFile:
		name := fileName(a.Name, kind.extension)
		return content{media: mediaFile, content: fmt.Sprintf("%s,%d,%s,%s", name, a.Size(), key, kind.extension)}
	case c.settings.UploadAs == uploadFile && kind.media == mediaImage:
		return content{media: mediaFileImage, content: typed}
	case c.settings.UploadAs == uploadFile && kind.media == mediaVideo:
		return content{media: mediaFileVideo, content: typed}
	}
	return content{media: kind.media, content: key, left: typed}
}

// fileName makes a name fit for a list with commas.
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
	return clip(name, maxFileName)
}
