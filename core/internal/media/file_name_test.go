package media

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanName(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "cat.png", "cat.png"},
		{"other script", "猫 写真.png", "猫 写真.png"},
		{"path", "/etc/passwd", "passwd"},
		{"path traversal", "../../key", "key"},
		{"Windows path", `C:\Users\me\cat.png`, "cat.png"},
		{"folder", "photos/", ""},
		{"only dots", "..", ""},
		{"hidden", ".htaccess", "htaccess"},
		{"spaces and dots at the ends", " cat.png. ", "cat.png"},
		{"line ends", "cat.png\r\nSet-Cookie: a", "cat.pngSet-Cookie: a"},
		{"null byte", "cat.png\x00.exe", "cat.png.exe"},
		{"direction mark", "photo\u202egnp.exe", "photognp.exe"},
		{"all direction marks", "a\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069b", "ab"},
		{"invisible characters", "a\u200b\u200d\ufeff\u00adb", "ab"},
		{"line separators", "a\u2028\u2029b", "ab"},
		{"other spaces", "a\u00a0\u3000b", "a  b"},
		{"invalid UTF-8", "a\xff\xfeb", "ab"},
		{"replacement character", "a\ufffdb", "ab"},
		{"long", strings.Repeat("a", 200) + ".png", strings.Repeat("a", 116) + ".png"},
		{"long, other script", strings.Repeat("猫", 100) + ".png", strings.Repeat("猫", 38) + ".png"},
		{"long extension", "a." + strings.Repeat("b", 200), "a." + strings.Repeat("b", 118)},
		{"empty", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := cleanName(tc.in); got != tc.want {
				t.Errorf("%q: %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestFileName(t *testing.T) {
	for _, tc := range []struct{ contentType, in, want string }{
		{"image/png", "", "file.png"},
		{"image/jpeg", "photo", "photo.jpg"},
		{"image/jpeg", "photo.JPEG", "photo.JPEG"},
		{"image/png", "photo.html", "photo.html.png"},
		{"image/png", "photo.exe", "photo.exe.png"},
		{"image/heic", "a", "a.heic"},
		{"audio/mp4", "voice.mp4", "voice.mp4"},
		{"audio/amr", "voice.mp3", "voice.mp3.amr"},
		{"video/quicktime", "clip.MOV", "clip.MOV"},
		{"application/pdf", "bill", "bill.pdf"},
		{"application/pdf", "bill.v2", "bill.v2"},
		{"application/zip", "", "file.zip"},
		{opaque, "thing", "thing"},
		{"image/x-unknown", "thing.exe", "thing.exe"},
		{"image/png", strings.Repeat("a", 118) + ".x", strings.Repeat("a", 114) + ".x.png"},
	} {
		if got := fileName("file", tc.contentType, tc.in); got != tc.want {
			t.Errorf("%s %q: %q, want %q", tc.contentType, tc.in, got, tc.want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	long := strings.Repeat("猫", 100) + ". ."
	for _, s := range []string{"cat.png", "../key", `a\b`, "a\u202eb", long, "a\xff.", ". . /", "\u00a0."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanName(s)
		if len(got) > maxName || !utf8.ValidString(got) || got != cleanName(got) || got == "." || got == ".." {
			t.Errorf("%q: %q (again: %q)", s, got, cleanName(got))
		}
		invisible := func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }
		if strings.ContainsAny(got, `/\`) || strings.ContainsFunc(got, invisible) {
			t.Errorf("%q: %q", s, got)
		}
	})
}
