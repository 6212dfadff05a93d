package media

import (
	"bytes"
	"mime"
	"net/http"
	"strings"

	"patchbay/sdk/envelope"
)

// sniffBytes is how much of a medium its type is told from.
const sniffBytes = 512

const (
	opaque = "application/octet-stream"
	svg    = "image/svg+xml"
)

// typeOf returns the media type of bytes that begin with head. The bytes decide; what is declared, the file's name and
// the part's type only refine what bytes can't tell: which document a ZIP archive is, or whether a container has sound
// alone.
func typeOf(part envelope.PartType, declared, name string, head []byte) string {
	seen := sniff(head)
	if generic(declared) {
		declared = typeByExtension[extension(name)]
	}
	if forms, contained := containers[seen]; contained {
		switch {
		case containerOf(declared) == containerOf(seen):
			return declared
		case part == envelope.PartAudio:
			return forms.audio
		case part == envelope.PartVideo:
			return forms.video
		}
		return seen
	}
	family, _, _ := strings.Cut(declared, "/")
	switch seen {
	case "text/plain", "text/xml":
		if family == "text" || family == "application" && declared != opaque || strings.HasSuffix(declared, "+xml") {
			return declared
		}
	case "application/zip", "application/gzip":
		if family == "application" && declared != opaque {
			return declared
		}
	case opaque:
		if declared != "" && family != "image" { // all images that anybody shows can be told
			return declared
		}
	}
	return seen
}

// agrees reports whether a medium of a type may be what its part says. Images are those that have no code in them.
func agrees(part envelope.PartType, contentType string) bool {
	switch part {
	case envelope.PartImage:
		return strings.HasPrefix(contentType, "image/") && !active(contentType)
	case envelope.PartAudio:
		return strings.HasPrefix(contentType, "audio/") || containerOf(contentType) != ""
	case envelope.PartVideo:
		return strings.HasPrefix(contentType, "video/") || containerOf(contentType) != ""
	}
	return true
}

// active reports whether browsers run or interpret what is of this type, or may do so in a page of somebody else's. Of texts
// all that are not known to be just that: scripts alone have a dozen names.
func active(contentType string) bool {
	switch contentType {
	case "text/plain", "text/csv", "text/markdown", "text/rtf":
		return false
	case "application/xml", "application/ecmascript", "application/x-ecmascript", "application/wasm", "application/x-shockwave-flash",
		"application/json":
		return true
	}
	family, _, _ := strings.Cut(contentType, "/")
	return family == "text" || family == "multipart" || family == "message" ||
		strings.HasSuffix(contentType, "+xml") || strings.HasSuffix(contentType, "+json")
}

// generic reports whether a type says nothing.
func generic(contentType string) bool {
	return contentType == "" || contentType == opaque || contentType == "binary/octet-stream" || contentType == "application/binary"
}

// forms are the types of one container with sound alone, and with pictures.
type forms struct{ audio, video string }

// containers are the types whose bytes don't tell at their beginning whether there are pictures.
var containers = map[string]forms{
	"video/mp4":       {"audio/mp4", "video/mp4"},
	"video/3gpp":      {"audio/3gpp", "video/3gpp"},
	"video/quicktime": {"audio/mp4", "video/quicktime"},
	"video/webm":      {"audio/webm", "video/webm"},
	"application/ogg": {"audio/ogg", "video/ogg"},
	"video/x-ms-asf":  {"audio/x-ms-wma", "video/x-ms-wmv"},
}

// containerOf returns the container of a type, "" if it has none.
func containerOf(contentType string) string {
	switch contentType {
	case "video/mp4", "audio/mp4", "video/x-m4v", "video/quicktime", "video/3gpp", "audio/3gpp", "video/3gpp2", "audio/3gpp2":
		return "iso" // ISO/IEC 14496-12; its brands are not told apart reliably
	case "video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska":
		return "matroska"
	case "application/ogg", "audio/ogg", "video/ogg", "audio/opus":
		return "ogg"
	case "video/x-ms-asf", "audio/x-ms-wma", "video/x-ms-wmv":
		return "asf"
	}
	return ""
}

// sniff tells a type from the first bytes: as the WHATWG's standard says, and what vendors of chats send beside.
func sniff(head []byte) string {
	for _, sig := range signatures {
		if bytes.HasPrefix(head, []byte(sig.begins)) {
			return sig.contentType
		}
	}
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		return brandType(string(head[8:12]))
	}
	seen := normalType(http.DetectContentType(head))
	switch seen {
	case "text/plain", "text/xml", "text/html":
		if bytes.Contains(bytes.ToLower(head), []byte("<svg")) {
			return svg
		}
	case opaque:
		if t := frameType(head); t != "" {
			return t
		}
	}
	return seen
}

// signatures are what http.DetectContentType does not know.
var signatures = []struct{ begins, contentType string }{
	{"#!AMR-WB\n", "audio/amr-wb"}, // RFC 4867 5.1
	{"#!AMR", "audio/amr"},
	{"#!SILK_V3", "audio/silk"},
	{"\x02#!SILK_V3", "audio/silk"}, // as WeChat has it
	{"fLaC", "audio/flac"},
	{"II*\x00", "image/tiff"},
	{"MM\x00*", "image/tiff"},
	{"FLV\x01", "video/x-flv"},
	{"\x00\x00\x01\xba", "video/mpeg"},
	{"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"},
}

// brandType is the type of an ISO base media file by its major brand.
func brandType(brand string) string {
	switch brand {
	case "avif", "avis":
		return "image/avif"
	case "heic", "heix", "heim", "heis", "mif1", "msf1":
		return "image/heic"
	case "M4A ", "M4B ":
		return "audio/mp4"
	case "qt  ":
		return "video/quicktime"
	}
	if strings.HasPrefix(brand, "3g") {
		return "video/3gpp"
	}
	return "video/mp4"
}

// frameType knows sound that begins with its first frame: MPEG audio layer III, and AAC in ADTS.
func frameType(head []byte) string {
	if len(head) < 4 || head[0] != 0xff {
		return ""
	}
	switch {
	case head[1]&0xf6 == 0xf0:
		return "audio/aac"
	case head[1]&0xe6 == 0xe2 && head[2]>>4 != 0xf && head[2]>>4 != 0 && head[2]>>2&3 != 3:
		return "audio/mpeg"
	}
	return ""
}

// normalType returns a media type in lower case, without parameters, by its usual name; "" if it is none.
func normalType(s string) string {
	t := baseType(s)
	if usual, ok := aliases[t]; ok {
		return usual
	}
	return t
}

func baseType(s string) string {
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
