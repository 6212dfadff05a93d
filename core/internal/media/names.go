package media

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchbay/sdk/envelope"
)

// maxName is the most that a file's name may have, in bytes of UTF-8.
const maxName = 120

// maxExtension is the longest extension that shortening spares.
const maxExtension = 16

// nameOf returns the name that a medium gets: its own, made harmless, or one of its part's type. It has the type's
// extension if it has none, and if it is sound or pictures under the extension of something else.
func nameOf(part envelope.PartType, contentType, name string) string {
	name = cleanName(name)
	if name == "" {
		name = string(part)
	}
	ext := extensionByType[contentType]
	if ext == "" || fitsExtension(contentType, extension(name)) {
		return name
	}
	return shorten(name, maxName-len(ext)) + ext
}

// fitsExtension reports whether an extension can stay on a medium of a type.
func fitsExtension(contentType, ext string) bool {
	family, _, _ := strings.Cut(contentType, "/")
	if family != "image" && family != "audio" && family != "video" {
		return ext != ""
	}
	of := typeByExtension[ext]
	return of == contentType || of != "" && containerOf(of) != "" && containerOf(of) == containerOf(contentType)
}

// cleanName makes a vendor's name for a file harmless: it is the last element of what may be a path, without control
// characters and marks that change the direction of writing or show nothing, without dots and spaces at the ends, and
// short. It is "" if nothing is left, and cleaning again changes nothing.
func cleanName(s string) string {
	s = strings.ToValidUTF8(s, "")
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp), r == utf8.RuneError:
			return -1
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, s)
	return shorten(strings.Trim(s, " ."), maxName)
}

// shorten cuts a name to at most n bytes, before its extension.
func shorten(name string, n int) string {
	if len(name) <= n {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > maxExtension {
		ext = ""
	}
	stem := name[:n-len(ext)]
	for !utf8.ValidString(stem) { // a character was cut
		stem = stem[:len(stem)-1]
	}
	return strings.TrimRight(stem, " .") + ext
}

// extension returns a name's extension in lower case with its dot, "" if it has none.
func extension(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if len(ext) < 2 || len(ext) > maxExtension {
		return ""
	}
	return ext
}

// typeByExtension has what is common in chats. The system's own table differs from machine to machine.
var typeByExtension = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".bmp": "image/bmp", ".avif": "image/avif", ".heic": "image/heic", ".heif": "image/heic", ".tif": "image/tiff",
	".tiff": "image/tiff", ".ico": "image/x-icon", ".svg": svg,
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".aac": "audio/aac", ".ogg": "audio/ogg", ".oga": "audio/ogg", ".opus": "audio/opus",
	".wav": "audio/wav", ".weba": "audio/webm", ".flac": "audio/flac", ".amr": "audio/amr", ".silk": "audio/silk", ".wma": "audio/x-ms-wma",
	".mp4": "video/mp4", ".m4v": "video/x-m4v", ".webm": "video/webm", ".ogv": "video/ogg", ".mov": "video/quicktime",
	".3gp": "video/3gpp", ".mkv": "video/x-matroska", ".avi": "video/x-msvideo", ".wmv": "video/x-ms-wmv", ".flv": "video/x-flv",
	".mpg": "video/mpeg", ".mpeg": "video/mpeg",
	".pdf": "application/pdf", ".zip": "application/zip", ".gz": "application/gzip", ".rar": "application/vnd.rar",
	".7z": "application/x-7z-compressed", ".txt": "text/plain", ".csv": "text/csv", ".md": "text/markdown", ".rtf": "application/rtf",
	".json": "application/json", ".xml": "text/xml", ".html": "text/html", ".htm": "text/html", ".xhtml": "application/xhtml+xml",
	".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
	".doc": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".epub": "application/epub+zip",
}

// extensionByType is the usual extension of each type.
var extensionByType = usualExtensions()

func usualExtensions() map[string]string {
	out := map[string]string{"audio/3gpp": ".3gp", "application/ogg": ".ogg"}
	for ext, t := range typeByExtension {
		if old, ok := out[t]; !ok || len(ext) < len(old) || len(ext) == len(old) && ext < old {
			out[t] = ext
		}
	}
	out["audio/ogg"], out["image/heic"], out["video/mpeg"] = ".ogg", ".heic", ".mpg"
	return out
}
