package main

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// fileType is one of AICC's file types.
type fileType struct {
	extension   string
	contentType string
	mediaType   string // of a message with an upload; "" if AICC does not accept it
	part        envelope.PartType
}

// fileTypes are the types of uploadFileStream, followed by the additional types of downloadFileStream. richtext has no
// media type.
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

// aliases maps alternative names of the media types to the usual ones.
var aliases = map[string]string{
	"image/jpg": "image/jpeg", "image/x-ms-bmp": "image/bmp", "audio/mp3": "audio/mpeg",
}

// uploadTypes returns the media types that AICC accepts.
func uploadTypes() []string {
	var out []string
	for _, f := range fileTypes {
		if f.mediaType != "" && f.extension != "jpeg" {
			out = append(out, f.contentType)
		}
	}
	for alias := range aliases {
		out = append(out, alias)
	}
	slices.Sort(out)
	return out
}

// uploadType returns the file type of an attachment by its media type. If the media type is missing or generic, the
// name or the first bytes decide. It returns false if AICC does not accept the type.
func uploadType(a *sdk.Attachment) (fileType, bool) {
	named, isNamed := byExtension(extensionOf(a.Name))
	ct := bareContentType(a.ContentType)
	if ct == "" || ct == "application/octet-stream" {
		if isNamed {
			return named, named.mediaType != ""
		}
		head := make([]byte, 512)
		n, _ := a.Reader().Read(head)
		ct = bareContentType(http.DetectContentType(head[:n]))
	}
	if isNamed && named.contentType == ct {
		return named, named.mediaType != ""
	}
	for _, f := range fileTypes {
		if f.contentType == ct {
			return f, f.mediaType != ""
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

// contentTypeOf returns the media type for an extension, or "".
func contentTypeOf(ext string) string {
	f, _ := byExtension(ext)
	return f.contentType
}

// extensionOf returns the extension of a file name without its dot, or "".
func extensionOf(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return ""
	}
	return cleanExtension(name[i:])
}

// cleanExtension normalizes an extension to the form of fileTypes. It returns "" for a text that cannot be an
// extension.
func cleanExtension(ext string) string {
	ext = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(ext), "."))
	if len(ext) > 16 || strings.Trim(ext, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return ""
	}
	return ext
}

// bareContentType returns the usual name of a media type in lower case, without parameters.
func bareContentType(ct string) string {
	bare, _, err := mime.ParseMediaType(ct)
	if err != nil {
		bare, _, _ = strings.Cut(ct, ";")
		bare = strings.ToLower(strings.TrimSpace(bare))
	}
	if name, ok := aliases[bare]; ok {
		return name
	}
	return bare
}
