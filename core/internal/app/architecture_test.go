package app_test

import (
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the imports into docs/architecture.md")

const architecture = "../../../docs/architecture.md"

// row is a line of the table of packages: a folder, its purpose and its imports.
type row struct{ folder, purpose, imports string }

var tableRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (.*?) \\| (.*?) \\|$")

// section returns the part of a document from a heading to the next one.
func section(t *testing.T, document, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(document, "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/architecture.md has no section %q", heading)
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return text
}

func readArchitecture(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(architecture)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rowOf returns the most specific row that contains a package, given without the module.
func rowOf(rows []row, pkg string) int {
	best := -1
	for i, r := range rows {
		if inFolders(r.folder)(module+pkg) && (best < 0 || len(r.folder) > len(rows[best].folder)) {
			best = i
		}
	}
	return best
}

// importsOf returns the rows that the packages of row i import, in the form of the table.
func importsOf(rows []row, i int, pkgs []listedPackage) string {
	names := map[string]bool{}
	for _, p := range pkgs {
		if rowOf(rows, strings.TrimPrefix(p.ImportPath, module)) != i {
			continue
		}
		for _, imported := range p.Imports {
			if to := rowOf(rows, strings.TrimPrefix(imported, module)); isInModule(imported) && to >= 0 && to != i {
				names[strings.TrimPrefix(rows[to].folder, "core/internal/")] = true
			}
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return "`" + strings.Join(slices.Sorted(maps.Keys(names)), "`, `") + "`"
}

func TestArchitectureListsImports(t *testing.T) {
	document := readArchitecture(t)
	table := section(t, document, "Packages")
	var rows []row
	for _, m := range tableRow.FindAllStringSubmatch(table, -1) {
		rows = append(rows, row{m[1], m[2], m[3]})
	}
	pkgs := listPackages(t)
	for _, p := range pkgs {
		if name := strings.TrimPrefix(p.ImportPath, module); rowOf(rows, name) < 0 {
			t.Errorf("docs/architecture.md has no row for package %s", name)
		}
	}
	want := table
	for i, r := range rows {
		imports := importsOf(rows, i, pkgs)
		line := "| `" + r.folder + "` | " + r.purpose + " | "
		want = strings.Replace(want, line+r.imports+" |", line+imports+" |", 1)
		if imports != r.imports && !*update {
			t.Errorf("%s imports %s, docs/architecture.md has %s; run the test with -update", r.folder, imports,
				r.imports)
		}
		if _, err := os.Stat("../../../" + r.folder); err != nil {
			t.Errorf("docs/architecture.md: %v", err)
		}
	}
	if *update {
		if err := os.WriteFile(architecture, []byte(strings.Replace(document, table, want, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestArchitectureFindsFeatures(t *testing.T) {
	table := section(t, readArchitecture(t), "Where is ...")
	rows := regexp.MustCompile("(?m)^\\| ([^|`]+) \\| (`.*`) \\|$").FindAllStringSubmatch(table, -1)
	if len(rows) < 25 {
		t.Errorf("the table of features has %d rows, want at least 25", len(rows))
	}
	for _, r := range rows {
		for _, file := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(r[2], -1) {
			if _, err := os.Stat("../../../" + file[1]); err != nil {
				t.Errorf("docs/architecture.md: %s: %v", r[1], err)
			}
		}
	}
}
