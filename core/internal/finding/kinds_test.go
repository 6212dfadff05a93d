package finding

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table in docs/checks.md")

const (
	document = "../../../docs/checks.md"
	header   = "| code | severity | meaning |\n|---|---|---|\n"
)

func TestDocumentListsAllCodes(t *testing.T) {
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), header)
	if !ok {
		t.Fatal("docs/checks.md has no table of codes")
	}
	var table strings.Builder
	for _, k := range Kinds {
		severity := "error"
		if k.Code.IsWarning() {
			severity = "warning"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", k.Code, severity, k.Meaning)
	}
	after := strings.TrimLeft(rest, "\n")
	for strings.HasPrefix(after, "|") {
		_, after, _ = strings.Cut(after, "\n")
	}
	want := before + header + table.String() + after
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, string(data)); diff != "" && !*update {
		t.Errorf("docs/checks.md (-want +got); run with -update:\n%s", diff)
	}
}

func TestEachCodeIsInAGoldenFile(t *testing.T) {
	var golden strings.Builder
	for _, pattern := range []string{"../config/testdata/*.golden", "../cli/testdata/mistakes/*.golden",
		"../cli/testdata/script/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden.WriteString(strings.ReplaceAll(string(data), `\`, ""))
		}
	}
	elsewhere := []Code{AdapterFailed, NeedsRestart} // other tests have these: they need a failing adapter or a gateway
	for _, k := range Kinds {
		if !slices.Contains(elsewhere, k.Code) && !strings.Contains(golden.String(), "["+string(k.Code)+"]") {
			t.Errorf("no golden file has %s", k.Code)
		}
	}
}

func TestEachCodeHasOneKind(t *testing.T) {
	var declared, listed []string
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			code, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Error(err)
			}
			declared = append(declared, code)
		}
		return true
	})
	for _, k := range Kinds {
		listed = append(listed, string(k.Code))
	}
	slices.Sort(declared)
	slices.Sort(listed)
	if diff := cmp.Diff(declared, listed); diff != "" {
		t.Errorf("codes (-declared +listed):\n%s", diff)
	}
}
