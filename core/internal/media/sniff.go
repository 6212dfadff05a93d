package media

import (
	"bytes"
	"net/http"
	"strings"
)

// sniffBytes is the number of bytes that sniff reads.
const sniffBytes = 512

// sniff detects a media type from the first bytes: with the WHATWG algorithm of net/http, and for further formats that
// chat vendors send.
func sniff(head []byte) string {
	for _, sig := range signatures {
		if bytes.HasPrefix(head, []byte(sig.prefix)) {
			return sig.contentType
		}
	}
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		return brandType(string(head[8:12]))
	}
	found := normalizeType(http.DetectContentType(head))
	switch found {
	case "text/plain", "text/xml", "text/html":
		if bytes.Contains(bytes.ToLower(head), []byte("<svg")) {
			return svg
		}
	case opaque:
		if t := frameType(head); t != "" {
			return t
		}
	}
	return found
}

// signatures are formats that http.DetectContentType does not detect.
var signatures = []struct{ prefix, contentType string }{
	{"#!AMR-WB\n", "audio/amr-wb"}, // RFC 4867 5.1
	{"#!AMR", "audio/amr"},
	{"#!SILK_V3", "audio/silk"},
	{"\x02#!SILK_V3", "audio/silk"}, // WeChat
	{"fLaC", "audio/flac"},
	{"II*\x00", "image/tiff"},
	{"MM\x00*", "image/tiff"},
	{"FLV\x01", "video/x-flv"},
	{"\x00\x00\x01\xba", "video/mpeg"},
	{"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"},
}

// brandType returns the type of an ISO base media file by its major brand.
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

// frameType detects audio that starts with a frame header: MPEG layer III, and AAC in ADTS.
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
