package media

import (
	"mime"
	"slices"
	"strings"

	"patchbay/sdk/envelope"
)

const (
	opaque = "application/octet-stream"
	svg    = "image/svg+xml"
)

// detectType returns the media type of a medium that starts with head. The bytes decide. The declared type, the file
// name and the part type only refine ambiguous bytes: the format inside a ZIP archive, or whether a container has
// video.
func detectType(part envelope.PartType, declared, name string, head []byte) string {
	found := sniff(head)
	if isGeneric(declared) {
		declared = typeByExtension[extension(name)]
	}
	if types, ok := containers[found]; ok {
		switch {
		case containerOf(declared) == containerOf(found):
			return declared
		case part == envelope.PartAudio:
			return types.audio
		case part == envelope.PartVideo:
			return types.video
		}
		return found
	}
	family, _, _ := strings.Cut(declared, "/")
	switch found {
	case "text/plain", "text/xml":
		if family == "text" || family == "application" && declared != opaque || strings.HasSuffix(declared, "+xml") {
			return declared
		}
	case "application/zip", "application/gzip":
		if family == "application" && declared != opaque {
			return declared
		}
	case opaque:
		if declared != "" && family != "image" { // sniff detects every image type that is displayed
			return declared
		}
	}
	return found
}

// matchesPart reports whether a part can have a medium of this type. Images must not contain code.
func matchesPart(part envelope.PartType, contentType string) bool {
	switch part {
	case envelope.PartImage:
		return strings.HasPrefix(contentType, "image/") && !isActive(contentType)
	case envelope.PartAudio:
		return strings.HasPrefix(contentType, "audio/") || containerOf(contentType) != ""
	case envelope.PartVideo:
		return strings.HasPrefix(contentType, "video/") || containerOf(contentType) != ""
	}
	return true
}

// isActive reports whether browsers can run or interpret a medium of this type. It includes all text types except known
// harmless ones, because scripts have a dozen type names.
func isActive(contentType string) bool {
	switch contentType {
	case "text/plain", "text/csv", "text/markdown", "text/rtf":
		return false
	case "application/xml", "application/json", "application/wasm", "application/x-shockwave-flash",
		"application/ecmascript", "application/x-ecmascript":
		return true
	}
	family, _, _ := strings.Cut(contentType, "/")
	return family == "text" || family == "multipart" || family == "message" ||
		strings.HasSuffix(contentType, "+xml") || strings.HasSuffix(contentType, "+json")
}

// isGeneric reports whether a type carries no information.
func isGeneric(contentType string) bool {
	return slices.Contains([]string{"", opaque, "binary/octet-stream", "application/binary"}, contentType)
}

// containerTypes are the types of a container format without and with video.
type containerTypes struct{ audio, video string }

// containers maps sniffed types whose first bytes do not show whether the file has video.
var containers = map[string]containerTypes{
	"video/mp4":       {"audio/mp4", "video/mp4"},
	"video/3gpp":      {"audio/3gpp", "video/3gpp"},
	"video/quicktime": {"audio/mp4", "video/quicktime"},
	"video/webm":      {"audio/webm", "video/webm"},
	"application/ogg": {"audio/ogg", "video/ogg"},
	"video/x-ms-asf":  {"audio/x-ms-wma", "video/x-ms-wmv"},
}

// containerOf returns the container format of a type, or "".
func containerOf(contentType string) string {
	switch contentType {
	case "video/mp4", "audio/mp4", "video/x-m4v", "video/quicktime",
		"video/3gpp", "audio/3gpp", "video/3gpp2", "audio/3gpp2":
		return "iso" // ISO/IEC 14496-12; brands do not reliably distinguish these types
	case "video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska":
		return "matroska"
	case "application/ogg", "audio/ogg", "video/ogg", "audio/opus":
		return "ogg"
	case "video/x-ms-asf", "audio/x-ms-wma", "video/x-ms-wmv":
		return "asf"
	}
	return ""
}

// normalizeType returns the usual name of a media type without parameters, or "" if s is invalid.
func normalizeType(s string) string {
	t := parseType(s)
	if usual, ok := aliases[t]; ok {
		return usual
	}
	return t
}

// parseType returns a media type in lower case without parameters, or "" if s is invalid.
func parseType(s string) string {
	t, _, err := mime.ParseMediaType(s)
	if err != nil || strings.Count(t, "/") != 1 || len(t) > 127 {
		return ""
	}
	return t
}

var aliases = map[string]string{
	"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png", "image/x-ms-bmp": "image/bmp",
	"image/heif": "image/heic", "audio/mp3": "audio/mpeg", "audio/x-mp3": "audio/mpeg", "audio/mpeg3": "audio/mpeg",
	"audio/wave": "audio/wav", "audio/x-wav": "audio/wav", "audio/vnd.wave": "audio/wav", "audio/m4a": "audio/mp4",
	"audio/x-m4a": "audio/mp4", "audio/aacp": "audio/aac", "audio/x-aac": "audio/aac", "audio/x-flac": "audio/flac",
	"audio/x-amr": "audio/amr", "video/avi": "video/x-msvideo", "application/x-gzip": "application/gzip",
	"application/x-zip-compressed": "application/zip", "application/javascript": "text/javascript",
	"application/x-javascript": "text/javascript", "application/x-pdf": "application/pdf",
	"application/x-rar-compressed": "application/vnd.rar", "application/x-7z": "application/x-7z-compressed",
}
