package media

import (
	"strings"
	"testing"

	"patchbay/sdk/envelope"
)

// First bytes of files.
const (
	mp4   = "\x00\x00\x00\x18ftypisom\x00\x00\x02\x00"
	m4a   = "\x00\x00\x00\x18ftypM4A \x00\x00\x02\x00"
	heic  = "\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"
	avif  = "\x00\x00\x00\x18ftypavif\x00\x00\x00\x00"
	mov   = "\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00"
	gp3   = "\x00\x00\x00\x14ftyp3gp5\x00\x00\x00\x00"
	webm  = "\x1a\x45\xdf\xa3\x01\x00\x00\x00"
	zip   = "PK\x03\x04\x14\x00"
	ole   = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
	jpeg  = "\xff\xd8\xff\xe0\x00\x10JFIF"
	epub  = "application/epub+zip"
	docx  = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	noise = "\x00\x01\x02\x03\x04"
)

func TestDetectType(t *testing.T) {
	for _, tc := range []struct {
		part                 envelope.PartType
		declared, name, head string
		want                 string
		matches              bool
	}{
		// Images: only the bytes count.
		{"image", "image/png", "", "\x89PNG\r\n\x1a\n", "image/png", true},
		{"image", "", "", jpeg, "image/jpeg", true},
		{"image", "image/jpg", "", jpeg, "image/jpeg", true},
		{"image", "image/png", "a.png", jpeg, "image/jpeg", true},
		{"image", "text/html", "a.html", "GIF89a<script>", "image/gif", true},
		{"image", "", "", "RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp", true},
		{"image", "", "", "BM\x00\x00", "image/bmp", true},
		{"image", "", "", avif, "image/avif", true},
		{"image", "image/heif", "", heic, "image/heic", true},
		{"image", "", "", "MM\x00*\x00", "image/tiff", true},
		{"image", "image/x-icon", "", "\x00\x00\x01\x00\x01", "image/x-icon", true},
		{"image", "image/png", "", "<html>", "text/html", false},
		{"image", "image/png", "", " \n<ScRiPt>", "text/html", false},
		{"image", "image/png", "", "<!-- x --><svg>", svg, false},
		{"image", "image/svg+xml", "a.svg", "<?xml version='1.0'?><!DOCTYPE svg>", svg, false},
		{"image", "image/png", "", "\ufeff<SVG>", svg, false},
		{"image", "image/png", "a.png", "var a = 1", "text/plain", false},
		{"image", "image/png", "", "%PDF-1.4", "application/pdf", false},
		{"image", "image/jxl", "", noise, opaque, false},
		{"image", "image/png", "a.png", "", "text/plain", false},
		{"image", "", "", mp4, "video/mp4", false},

		// Audio.
		{"audio", "audio/amr", "", "#!AMR\n<", "audio/amr", true},
		{"audio", "", "", "#!AMR-WB\n", "audio/amr-wb", true},
		{"audio", "application/octet-stream", "", "\x02#!SILK_V3\x16", "audio/silk", true},
		{"audio", "audio/mp3", "", "ID3\x03", "audio/mpeg", true},
		{"audio", "", "", "\xff\xfb\x90\x64\x00", "audio/mpeg", true},
		{"audio", "", "", "\xff\xf1\x50\x80\x00", "audio/aac", true},
		{"audio", "", "", "fLaC\x00", "audio/flac", true},
		{"audio", "audio/x-wav", "", "RIFF\x24\x08\x00\x00WAVEfmt ", "audio/wav", true},
		{"audio", "", "", m4a, "audio/mp4", true},
		{"audio", "", "", mp4, "audio/mp4", true},
		{"audio", "audio/x-m4a", "", mp4, "audio/mp4", true},
		{"audio", "", "", webm, "audio/webm", true},
		{"audio", "audio/webm;codecs=opus", "", webm, "audio/webm", true},
		{"audio", "", "voice.opus", "OggS\x00", "audio/opus", true},
		{"audio", "", "", "OggS\x00", "audio/ogg", true},
		{"audio", "", "", gp3, "audio/3gpp", true},
		{"audio", "", "", "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6", "audio/x-ms-wma", true},
		{"audio", "audio/g729", "", noise, "audio/g729", true},
		{"audio", "", "a.mp3", noise, "audio/mpeg", true},
		{"audio", "", "", noise, opaque, false},
		{"audio", "audio/mpeg", "", "<script>", "text/html", false},
		{"audio", "audio/mpeg", "", "not found", "text/plain", false},
		{"audio", "audio/mpeg", "", jpeg, "image/jpeg", false},

		// Video.
		{"video", "video/mp4", "", mp4, "video/mp4", true},
		{"video", "", "", mov, "video/quicktime", true},
		{"video", "video/mp4", "", mov, "video/mp4", true},
		{"video", "", "", webm, "video/webm", true},
		{"video", "video/x-matroska", "", webm, "video/x-matroska", true},
		{"video", "", "", "OggS\x00", "video/ogg", true},
		{"video", "", "", "\x00\x00\x01\xba\x44", "video/mpeg", true},
		{"video", "video/avi", "", "RIFF\x24\x08\x00\x00AVI LIST", "video/x-msvideo", true},
		{"video", "", "", "FLV\x01\x05", "video/x-flv", true},
		{"video", "video/mp4", "", "{\"error\":1}", "text/plain", false},
		{"video", "video/mp4", "", "\x89PNG\r\n\x1a\n", "image/png", false},

		// Files: any type.
		{"file", "application/pdf", "", "%PDF-1.7", "application/pdf", true},
		{"file", "", "a.docx", zip, docx, true},
		{"file", docx, "", zip, docx, true},
		{"file", "image/png", "", zip, "application/zip", true},
		{"file", "binary/octet-stream", "old.doc", ole, "application/msword", true},
		{"file", "", "", ole, opaque, true},
		{"file", "image/png", "", ole, opaque, true},
		{"file", "", "a.csv", "a,b\n1,2\n", "text/csv", true},
		{"file", "text/plain; charset=gbk", "", "hello", "text/plain", true},
		{"file", "", "a.html", "hello", "text/html", true},
		{"file", "", "a.txt", "<html>", "text/html", true},
		{"file", "application/json", "", "{}", "application/json", true},
		{"file", "", "", "", "text/plain", true},
		{"file", "no type", "", noise, opaque, true},
		{"file", "application/rss+xml", "", "<?xml version='1.0'?>", "application/rss+xml", true},
		{"file", "video/mp4", "", mp4, "video/mp4", true},
		{"file", "", "", "OggS\x00", "application/ogg", true},
	} {
		got := detectType(tc.part, normalizeType(tc.declared), tc.name, []byte(tc.head))
		if got != tc.want || matchesPart(tc.part, got) != tc.matches {
			t.Errorf("%s declared as %q, name %q, %q: %s (matches %t), want %s (%t)", tc.part, tc.declared, tc.name, tc.head,
				got, matchesPart(tc.part, got), tc.want, tc.matches)
		}
	}
}

func TestIsActive(t *testing.T) {
	for contentType, want := range map[string]bool{
		"text/html": true, "application/xhtml+xml": true, svg: true, "text/xml": true, "application/xml": true,
		"text/javascript": true,
		"image/png":       false, "application/pdf": false, "text/plain": false, "video/mp4": false, opaque: false,
	} {
		if isActive(contentType) != want {
			t.Errorf("isActive(%s) = %t", contentType, !want)
		}
	}
	for _, s := range inlineTypes {
		if isActive(s) || normalizeType(s) != s {
			t.Errorf("%s is served inline", s)
		}
	}
}

// FuzzDetectType checks that no file that a browser would execute is accepted as an image.
func FuzzDetectType(f *testing.F) {
	for _, head := range []string{mp4, m4a, heic, webm, zip, ole, jpeg, noise, "<html>", "<svg>", "OggS", "%PDF-",
		"GIF89a", "\xff\xfb\x90\x64", ""} {
		f.Add("image", "image/png", "a.png", []byte(head))
		f.Add("file", "", "a.html", []byte(head))
	}
	f.Add("audio", "audio/mpeg; x=\"", "a.mp3", []byte("ID3"))
	f.Fuzz(func(t *testing.T, part, declared, name string, head []byte) {
		got := detectType(envelope.PartType(part), normalizeType(declared), name, head[:min(len(head), sniffBytes)])
		if parseType(got) != got || got == "" {
			t.Fatalf("type %q", got)
		}
		if matchesPart(envelope.PartImage, got) && (isActive(got) || got != sniff(head[:min(len(head), sniffBytes)])) {
			t.Errorf("%q matches an image as %s", head, got)
		}
		named := fileName(envelope.PartType("file"), got, name)
		if named == "" || len(named) > maxName || cleanName(named) != named || strings.ContainsAny(named, "/\\\x00\r\n") {
			t.Errorf("%q with type %s gets the name %q", name, got, named)
		}
	})
}
