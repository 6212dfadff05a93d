package main

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// fileType is one of AICC's file types, which it names by their extension.
type fileType struct {
	extension   string
	contentType string
	media       string // mediaType of an upload; "" if AICC takes none of the type
	part        envelope.PartType
}

// fileTypes are those of uploadFileStream, and behind them what downloadFileStream has in addition. richtext has no
// media type of its own.
var fileTypes = []fileType{
	{"jpg", "image/jpeg", mediaImage, envelope.PartImage},
	{"jpeg", "image/jpeg", mediaImage, envelope.PartImage},
	{"png", "image/png", mediaImage, envelope.PartImage},
	{"bmp", "image/bmp", mediaImage, envelope.PartImage},
	{"mp3", "audio/mpeg", mediaAudio, envelope.PartAudio},
	{"aac", "audio/aac", mediaAudio, envelope.PartAudio},
	{"mp4", "video/mp4", mediaVideo, envelope.PartVideo},
	{"txt", "text/plain", mediaFile, envelope.PartFile},
	{"csv", "text/csv", mediaFile, envelope.PartFile},
	{"pdf", "application/pdf", "", envelope.PartFile},
	{"doc", "application/msword", "", envelope.PartFile},
	{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "", envelope.PartFile},
	{"zip", "application/zip", "", envelope.PartFile},
	{"richtext", "", "", envelope.PartFile},
}

// otherNames are further names of media types that AICC takes.
var otherNames = map[string]string{
	"image/jpg": "image/jpeg", "image/x-ms-bmp": "image/bmp", "audio/mp3": "audio/mpeg",
}

// uploadTypes are the media types that AICC takes.
func uploadTypes() []string {
	var out []string
	for _, f := range fileTypes {
		if f.media != "" && f.extension != "jpeg" {
			out = append(out, f.contentType)
		}
	}
	for other := range otherNames {
		out = append(out, other)
	}
	slices.Sort(out)
	return out
}

// uploadType finds the file type of an attachment: by its media type, and if that says nothing by its name or by how it
// begins. False means that AICC does not take it.
func uploadType(a *sdk.Attachment) (fileType, bool) {
	named, isNamed := byExtension(extensionOf(a.Name))
	ct := bareContentType(a.ContentType)
	if ct == "" || ct == "application/octet-stream" {
		if isNamed {
			return named, named.media != ""
		}
		head := make([]byte, 512)
		n, _ := a.Reader().Read(head)
		ct = bareContentType(http.DetectContentType(head[:n]))
	}
	if isNamed && named.contentType == ct {
		return named, named.media != ""
	}
	for _, f := range fileTypes {
		if f.contentType == ct {
			return f, f.media != ""
		}
	}
	return fileType{}, false
}

func byExtension(ext string) (fileType, bool) {
	for _, f := range fileTypes {
		if f.extension == ext {
			return f, true
		}
	}
	return fileType{}, false
}

// contentTypeOf is the media type of an extension, "" if AICC has no such files.
func contentTypeOf(ext string) string {
	f, _ := byExtension(ext)
	return f.contentType
}

// extensionOf is the extension of a file's name, without its dot, "" if it has none.
func extensionOf(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return ""
	}
	return cleanExtension(name[i:])
}

// cleanExtension writes an extension like AICC's lists do. What can't be one gives "".
func cleanExtension(ext string) string {
	ext = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(ext), "."))
	if len(ext) > 16 || strings.Trim(ext, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return ""
	}
	return ext
}

// bareContentType is a media type in small letters without parameters, by its usual name.
func bareContentType(ct string) string {
	bare, _, err := mime.ParseMediaType(ct)
	if err != nil {
		bare, _, _ = strings.Cut(ct, ";")
		bare = strings.ToLower(strings.TrimSpace(bare))
	}
	if usual, ok := otherNames[bare]; ok {
		return usual
	}
	return bare
}
