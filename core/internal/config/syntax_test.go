package config

import "testing"

func TestSyntaxErrorsHavePositionsAndAdvice(t *testing.T) {
	const (
		tab    = "is not valid YAML: a tab in the indentation; use spaces"
		begins = "is not valid YAML: a text cannot begin with this character; put it in quotes"
		star   = "is not valid YAML: this alias has no anchor; put a text that begins with * in quotes"
		colon  = "is not valid YAML: a text with a colon before a space needs quotes"
		among  = "is not valid YAML: the line does not fit those above; correct the indentation; no text can follow the quote that ends a text"
		where  = "is not valid YAML: no key is possible here; correct the indentation of this line or of the one above, and put a space behind the colon of each key"
		braces = "is not valid YAML: this { is not closed, or a comma is missing; texts that contain { } [ ] , need quotes"
		square = "is not valid YAML: this [ is not closed, or a comma is missing; texts that contain { } [ ] , need quotes"
	)
	for _, tc := range []struct{ name, yaml, want string }{
		{"tab", "listen: a\nstore:\n\tdir: x\n", "3:1: " + tab},
		{"tab after a level", "store:\n  dir: x\n\tcap: y\n", "3:1: " + tab},
		{"tab after blanks", "store:\n  dir: x\n  \tcap: y\n", "3:3: " + tab},
		{"tab in the line that is named", "a: 1\n\n\n\tb: 1\n", "4:1: " + tab},
		{"odd beginning", "store:\n  dir: @x\n", "2:8: " + begins},
		{"odd beginning in the first line", "listen: %x\n", "1:9: " + begins},
		{"odd beginning in a list", "a:\n  - 'ü'\n  - `x`\n", "3:5: " + begins},
		{"a star", "routes:\n  - name: a\n    say: *bye*\n", "3:10: " + star},
		{"a star that could be an alias", "routes:\n  - name: a\n    say: *bye\n",
			"3:10: " + star},
		{"two colons", "a: ü\nb: c: d\n", "2:5: " + colon},
		{"two colons in the first line", "a: b:\n", "1:5: " + colon},
		{"a key deeper than those above", "channels:\n  desk:\n    adapter: aicc\n      role: agent\n", "4:11: " + where},
		{"no blank behind a colon", "channels:\n  desk:\n    role:agent\n    adapter: aicc\n",
			"4:12: " + where},
		{"no blank behind a colon among keys", "channels:\n  desk:\n    adapter: aicc\n    role:agent\n    path: /a\n",
			"4:5: is not valid YAML: a key needs a colon and a space behind it: `role: bot`"},
		{"a key between two levels", "a:\n  - b\n c: 1\n", "3:2: " + among},
		{"a level lost in the middle", "listen: :80\nchannels:\n  faq:\n    role: bot\ndesk:\n    role: agent\n  office:\n    role: agent\n", "7:3: " + among},
		{"text behind a quote", "listen: :80\nroutes:\n  - name: a\n    say: \"Hi\" there\n", "4:15: " + among},
		{"an entry among keys", "listen: :80\nroutes:\n  first:\n    say: a\n  - name: second\n",
			"5:3: is not valid YAML: an entry of a list among keys; correct the indentation, or remove the hyphen"},
		{"a key among entries", "listen: :80\nroutes:\n  - name: first\n    say: a\n  name: second\n",
			"5:3: is not valid YAML: the lines above are a list, and this line is not an entry; begin it with \"- \", or correct the indentation"},
		{"an entry in the line of its key", "listen: :80\nroutes: - name: first\n", "2:9: is not valid YAML: a list begins in a separate line below its key"},
		{"a brace that is not closed", "listen: :80\n\nstore: {dir: x\nlog:\n  level: info\nlimits: {}\n", "3:8: " + braces},
		{"a brace that is not closed at the end", "listen: :80\nstore: {dir: x", "2:8: " + braces},
		{"a bracket that is not closed", "listen: :80\nroutes:\n  - name: a\n    from: [customer, bot\n    say: b\n", "4:11: " + square},
		{"a bracket that is not closed among keys of several levels", "channels:\n  a:\n    settings:\n      x: [a, b\n      y: z\n" +
			"      u: v\n\n  b:\n    role: bot\n", "4:10: " + square},
		{"a first line that is indented", "  listen: :80\nlog: {level: info}\n",
			"2:1: is not valid YAML: the line does not fit the first one; correct the indentation of both"},
		{"a brace above a reference", "store: {\n  dir: ${env:DIR}\n", "1:8: " + braces},
		{"a comma too many", "listen: :80\nroutes:\n  - name: a\n    from: [customer, , bot]\n",
			"4:22: is not valid YAML: a value is missing: there is a comma too many, or a text that needs quotes"},
		{"a reference in braces", "listen: :80\nadmin: {listen: ${env:ADMIN}, x: y}\n",
			"2:17: is not valid YAML: a reference between braces or brackets needs quotes: \"${env:NAME}\""},
		{"a quote that is not closed", "listen: :80\nstore:\n  dir: \"x\nlog: {level: info}\n", "3:8: is not valid YAML: a quote is not closed"},
		{"a pattern in double quotes", "listen: :80\nroutes:\n  - name: a\n    when: \"text.matches(r'\\d')\"\n",
			"4:27: is not valid YAML: a backslash in double quotes; put the text in single quotes"},
		{"in a second document", "a: 1\n---\nb: {c: 1\n", "3:4: " + braces},
		{"Latin-1", "listen: :80\nstore: {dir: \xfc}\n", "2:14: is not UTF-8; save the file as UTF-8"},
		{"a NUL", "listen: :80\n\x00", "2:1: contains the control character '\\x00'; remove it"},
		{"Windows line ends", "listen: :80\r\nstore: {dir: x\r\nlog: {level: info}\r\n", "2:8: " + braces},
		{"a byte order mark", "\ufefflisten: :80\nstore: {dir: @x}\n", "2:14: " + begins},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(Options{Path: "m.yaml", Data: []byte(tc.yaml), Environ: testEnviron})
			if want := "m.yaml:" + tc.want + " [yaml-syntax]"; err == nil || err.Error() != want {
				t.Errorf("error = %v\nwant    %s", err, want)
			}
		})
	}
}
