package config

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValuesHaveTheirFormAndPosition(t *testing.T) {
	const file = "steps: &all\n  - from: web\n    txt: {}\nagain: *all\nnone:\n"
	var lines []string
	var walk func(v Value)
	walk = func(v Value) {
		lines = append(lines, fmt.Sprintf("%s %q is %s, %q: %t %t %t", v.Position(), v.Name(), v.Kind(), v.Text(),
			v.IsMapping(), v.IsList(), v.IsText()))
		for _, child := range v.Children() {
			walk(child)
		}
	}
	root, problems := ReadYAML("f.yaml", []byte(file))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	walk(root)
	want := []string{
		`f.yaml:1:1 "" is a mapping, "": true false false`,
		`f.yaml:1:8 "steps" is a list, "": false true false`,
		`f.yaml:2:5 "0" is a mapping, "": true false false`,
		`f.yaml:2:11 "from" is a single value, "web": false false true`,
		`f.yaml:3:10 "txt" is a mapping, "": true false false`,
	}
	if diff := cmp.Diff(want, lines[:len(want)]); diff != "" {
		t.Errorf("values (-want +got)\n%s", diff)
	}
	again := root.Children()[1].Children()[0]
	from, txt := again.Children()[0], again.Children()[1]
	known := []string{"desk", "audit"}
	for _, tc := range []struct {
		problem Problem
		want    string
	}{
		{txt.UnknownKey([]string{"text", "from"}), `f.yaml:3:5: again[0].txt: unknown key (did you mean "text"?)`},
		{from.UnknownKey([]string{"form"}), `f.yaml:2:5: again[0].from: unknown key (did you mean "form"?)`},
		{txt.UnknownKey(nil), `f.yaml:3:5: again[0].txt: unknown key; none is possible here`},
		{from.UnknownName("channel", known),
			"f.yaml:2:11: again[0].from: unknown channel; known are audit, desk"},
		{from.Problem("is wrong"), "f.yaml:2:11: again[0].from: is wrong"},
	} {
		if got := tc.problem.String(); got != tc.want {
			t.Errorf("problem %s\nwant    %s", got, tc.want)
		}
	}
	if known[0] != "desk" {
		t.Errorf("the list of the caller is sorted: %v", known)
	}
}

func TestUnreadableFileIsAnEmptyMapping(t *testing.T) {
	v, problems := ReadYAML("f.yaml", []byte("a: ["))
	if len(problems) != 1 || !v.IsMapping() || len(v.Children()) != 0 {
		t.Errorf("value %+v with the problems %v, want an empty mapping and one problem", v, problems)
	}
}
