package media

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// maxName is the size limit of a file name in bytes.
const maxName = 120

// maxExtension is the size limit of an extension in bytes. Longer extensions count as part of the name.
const maxExtension = 16

// fileName returns the clean name of a medium, or the part type if it has no name. It appends the extension of the
// media type if the name has none, or if the extension of an image, audio or video file belongs to another type.
func fileName(part envelope.PartType, contentType, name string) string {
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

// fitsExtension reports whether a medium of this type can keep its extension.
func fitsExtension(contentType, ext string) bool {
	family, _, _ := strings.Cut(contentType, "/")
	if family != "image" && family != "audio" && family != "video" {
		return ext != ""
	}
	t := typeByExtension[ext]
	return t == contentType || containerOf(t) != "" && containerOf(t) == containerOf(contentType)
}

// cleanName makes a vendor's file name safe: it returns the last element of a path, shortened, without control
// characters, invisible characters and direction marks, and without dots and spaces at the ends. It is idempotent. The
// result is "" if no character remains.
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

// shorten shortens a name to at most n bytes and keeps its extension.
func shorten(name string, n int) string {
	if len(name) <= n {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > maxExtension {
		ext = ""
	}
	return strings.TrimRight(text.Clip(name, n-len(ext)), " .") + ext
}

// extension returns the extension of a name in lower case with its dot, or "".
func extension(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if len(ext) < 2 || len(ext) > maxExtension {
		return ""
	}
	return ext
}
