package envelope

import (
	"strings"
	"testing"
)

func TestParseLink(t *testing.T) {
	long := "https://files.example/" + strings.Repeat("a", MaxLinkBytes)
	for link, want := range map[string]string{
		"https://files.example/a.png?sig=1":  "",
		"HTTP://files.example":               "",
		long[:MaxLinkBytes]:                  "",
		long[:MaxLinkBytes+1]:                "8193 bytes, at most 8192",
		"":                                   "not an http or https address",
		"files.example/a.png":                "not an http or https address",
		"//files.example/a.png":              "not an http or https address",
		"https:///a.png":                     "not an http or https address",
		"ftp://files.example/a.png":          "not an http or https address",
		"javascript:alert(1)//files.example": "not an http or https address",
		"file:///etc/passwd":                 "not an http or https address",
		"https://files.example/\n":           "not an http or https address",
		"https://files.example:port/secret":  "not an http or https address",
	} {
		u, err := ParseLink(link)
		switch {
		case want == "" && (err != nil || u.Host != "files.example"):
			t.Errorf("ParseLink(%.60q) = %v, %v, want no error", link, u, err)
		case want != "" && (err == nil || err.Error() != want):
			t.Errorf("ParseLink(%.60q) = %v, %v, want %q", link, u, err, want)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	for _, s := range []string{"https://files.example/a.png", "http://[::1]:80/x", "javascript:alert(1)", "https://user:pw@h/%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, link string) {
		u, err := ParseLink(link)
		if err != nil {
			if len(link) > 30 && strings.Contains(err.Error(), link) {
				t.Errorf("the error repeats the link: %v", err)
			}
			return
		}
		if u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(link) > MaxLinkBytes {
			t.Errorf("ParseLink accepts %q", link)
		}
	})
}
