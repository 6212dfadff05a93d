package config

import "testing"

func TestSyntax(t *testing.T) {
	for _, tc := range []struct{ name, yaml, want string }{
		{"tab", "listen: a\nstore:\n\tdir: x\n", "m.yaml:3:1: is not valid YAML: a tab in the indentation; use blanks"},
		{"tab after a level", "store:\n  dir: x\n\tcap: y\n", "m.yaml:3:1: is not valid YAML: a tab in the indentation; use blanks"},
		{"tab after blanks", "store:\n  dir: x\n  \tcap: y\n", "m.yaml:3:3: is not valid YAML: a tab in the indentation; use blanks"},
		{"tab in the line that is named", "a: 1\n\n\n\tb: 1\n", "m.yaml:4:1: is not valid YAML: a tab in the indentation; use blanks"},
		{"odd beginning", "store:\n  dir: @x\n", "m.yaml:2:8: is not valid YAML: found character that cannot start any token; put the text in quotes"},
		{"odd beginning in the first line", "listen: %x\n", "m.yaml:1:9: is not valid YAML: found character that cannot start any token; put the text in quotes"},
		{"odd beginning in a list", "a:\n  - 'ü'\n  - `x`\n", "m.yaml:3:5: is not valid YAML: found character that cannot start any token; put the text in quotes"},
		{"two colons", "a: ü\nb: c: d\n", "m.yaml:2:5: is not valid YAML: mapping values are not allowed in this context; a text with a colon before a blank needs quotes"},
		{"two colons in the first line", "a: b:\n", "m.yaml:1:5: is not valid YAML: mapping values are not allowed in this context; a text with a colon before a blank needs quotes"},
		{"something else", "a:\n  - b\n c: 1\n", "m.yaml:2: is not valid YAML: did not find expected key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(Options{Path: "m.yaml", Data: []byte(tc.yaml), Environ: testEnviron})
			if err == nil || err.Error() != tc.want {
				t.Errorf("error = %v\nwant    %s", err, tc.want)
			}
		})
	}
}
