package route

import (
	"strings"
	"testing"
)

func TestSayIsInTheCustomersLanguage(t *testing.T) {
	say := Say{Default: "Hello", Languages: map[string]string{"zh": "你好", "zh-Hant": "您好", "pt-BR": "Olá"}}
	for language, want := range map[string]string{
		"zh": "你好", "zh-Hant": "您好", "zh-Hant-TW": "您好", "zh-CN": "你好", "zh_CN": "你好", "ZH-hant": "您好", "pt": "Hello",
		"pt-BR": "Olá", "pt-PT": "Hello", "": "Hello", "-": "Hello", "zhx": "Hello", " zh ": "你好",
	} {
		if got := say.Render(&Values{Language: language}); got != want {
			t.Errorf("in language %q: %q, want %q", language, got, want)
		}
	}
}

func TestSayContainsValues(t *testing.T) {
	const hundred = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
	v := &Values{
		CustomerName: "Ann {{owner_title}}", OwnerTitle: "The service team",
		Attributes: map[string]string{
			"lines": " one\r\ntwo\t \u0007three ", "long": hundred + hundred + "more", "native.order": "42", "cjk": strings.Repeat("语", 300),
		},
	}
	for _, tc := range []struct{ text, want string }{
		{"Hello {{customer_name}}!", "Hello Ann {{owner_title}}!"},
		{"{{ owner_title }} is here", "The service team is here"},
		{`Order {{attr "native.order"}}{{ attr  "native.order" }}`, "Order 4242"},
		{`<{{attr "none"}}>`, "<>"},
		{`<{{attr "lines"}}>`, "<one two three>"},
		{`{{attr "long"}}`, hundred + hundred},
		{`{{attr "cjk"}}`, strings.Repeat("语", 200)},
		{"two\nlines stay", "two\nlines stay"},
		{"} }} { braces", "} }} { braces"},
	} {
		say := Say{Default: tc.text}
		if got := say.Render(v); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
}

// FuzzSay checks that placeholders in a value are not replaced, and that no placeholder remains in an accepted text.
func FuzzSay(f *testing.F) {
	f.Add("Hello {{customer_name}}", "Ann")
	f.Add(`{{attr "x"}}{{owner_title}}`, `{{attr "x"}}`)
	f.Fuzz(func(t *testing.T, text, value string) {
		_, problems := Compile([]Rule{{Name: "a", Say: Say{Default: text}}}, testChannels)
		say := Say{Default: text}
		got := say.Render(&Values{CustomerName: value, OwnerTitle: value, Attributes: map[string]string{"x": value}})
		if len(problems) == 0 && !strings.Contains(value, "{") && !strings.Contains(value, "}") &&
			strings.Contains(got, "{{") {
			t.Errorf("%q with %q: %q", text, value, got)
		}
	})
}
