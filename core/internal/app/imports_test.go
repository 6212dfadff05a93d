package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "patchbay/"

// rule forbids some packages to import other packages, and has the reason. It applies to direct imports of the files of
// a package, except test files.
type rule struct {
	covers func(pkg string) bool
	forbid func(pkg, imported string) bool
	reason string
}

func isOneOf(names ...string) func(string) bool {
	return func(pkg string) bool { return slices.Contains(names, strings.TrimPrefix(pkg, module)) }
}

func inFolders(folders ...string) func(string) bool {
	return func(pkg string) bool {
		return slices.ContainsFunc(folders, func(f string) bool {
			return pkg == module+f || strings.HasPrefix(pkg, module+f+"/")
		})
	}
}

func complement(f func(string) bool) func(string) bool { return func(s string) bool { return !f(s) } }

func importsFrom(prefixes ...string) func(string, string) bool {
	return func(_, imported string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool {
			return imported == p || strings.HasPrefix(imported, p+"/")
		})
	}
}

func isInModule(imported string) bool { return strings.HasPrefix(imported, module) }

// isStandard reports whether an import is of the standard library: its first element has no dot and is not this module.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") && !isInModule(imported) && imported != "C"
}

// isClusterLibrary reports whether an import is the library for grapheme clusters, which has no dependencies.
func isClusterLibrary(imported string) bool {
	return strings.HasPrefix(imported, "github.com/clipperhouse/uax29/")
}

var isSimulator = inFolders("sandbox/native", "sandbox/botwebhook", "sandbox/aicc")

// isSimulatorKit reports whether a package is the common part of the simulators.
var isSimulatorKit = isOneOf("sandbox/simulator")

// isPure reports whether a package has no input, output, clock and randomness.
var isPure = isOneOf("core/internal/route", "core/internal/hours", "core/internal/conversation", "core/internal/state",
	"core/internal/render")

var rules = []rule{
	{isOneOf("sdk/envelope", "sdk/text", "sdk/backoff"), func(_, imp string) bool {
		return !isStandard(imp) && !isClusterLibrary(imp)
	}, "a tool must be able to use these without linking a plugin runtime"},
	{inFolders("sdk"), func(_, imp string) bool { return isInModule(imp) && !inFolders("sdk")(imp) },
		"an author outside this repository builds against the SDK alone"},
	{inFolders("plugins"), func(_, imp string) bool { return isInModule(imp) && !inFolders("sdk")(imp) },
		"plugins of this repository use the SDK alone, like those of other authors, and never another plugin"},
	{isSimulator, func(_, imp string) bool { return isInModule(imp) && !isSimulatorKit(imp) },
		"a simulator is a second reading of the vendor's documents; code shared with its adapter or with the SDK " +
			"would share their mistakes"},
	{isSimulatorKit, func(_, imp string) bool { return isInModule(imp) && !isSimulatorKit(imp) },
		"the simulators' kit knows no vendor"},
	{isOneOf("sandbox"), func(_, imp string) bool { return isInModule(imp) && !inFolders("sandbox")(imp) },
		"the sandbox runs the gateway as a program"},
	{isPure, importsFrom("net", "os", "io/fs", "io/ioutil", "syscall", "crypto/rand", "math/rand", "log", "log/slog"),
		"decisions are tested as pure functions"},
	{isOneOf("core/internal/state"), func(_, imp string) bool {
		return isInModule(imp) && !inFolders("sdk")(imp) && !isOneOf("core/internal/journal", "core/internal/render")(imp)
	}, "the state is a fold of the journal; it must not depend on how decisions are made"},
	{isOneOf("core/internal/render"), func(_, imp string) bool { return isInModule(imp) && !inFolders("sdk")(imp) },
		"an envelope is rendered for a target without the gateway's state"},
	{isOneOf("core/internal/attempt", "core/internal/inbound"), func(_, imp string) bool {
		return isOneOf("core/internal/conversation", "core/internal/writer", "core/internal/delivery",
			"core/internal/route")(imp)
	}, "the types that the writer and the lanes exchange lie below both"},
	{isOneOf("core/internal/delivery"), func(_, imp string) bool {
		return isOneOf("core/internal/conversation", "core/internal/writer")(imp)
	},
		"lanes make calls; they neither decide nor commit"},
	{isOneOf("core/internal/writer"), func(_, imp string) bool { return isOneOf("core/internal/delivery")(imp) },
		"the writer hands out jobs and does not depend on how they are done"},
	{complement(inFolders("core/internal/config")), importsFrom("github.com/knadh/koanf"),
		"the library of the configuration can be replaced in one place, and no package reads settings without its " +
			"checks"},
	{complement(isOneOf("core/internal/plugin", "sdk/serve", "sdk/protocol")),
		importsFrom("github.com/hashicorp/go-plugin"),
		"the gateway starts plugin processes, and one package serves an adapter"},
	{isOneOf("sdk", "sdk/httpclient", "sdk/settings", "sdk/webhook"),
		importsFrom("github.com/hashicorp/go-plugin", "google.golang.org/grpc", "google.golang.org/protobuf",
			module+"sdk/protocol", module+"sdk/serve"),
		"an author reads and tests an adapter against the contract, without the runtime"},
	{complement(inFolders("core/internal/store/jetstream")), importsFrom("github.com/nats-io"),
		"the log is a port; another engine must be able to take its place"},
	{inFolders("core"), func(_, imp string) bool { return inFolders("plugins", "sandbox", "test")(imp) },
		"the gateway knows no vendor"},
	{complement(isOneOf("core/internal/cli")), func(pkg, imp string) bool { return imp == module+"core/internal/app" },
		"only the program wires the parts together"},
}

// brokenRules returns the reasons of the rules that an import violates.
func brokenRules(pkg, imported string) []string {
	var out []string
	for _, r := range rules {
		if r.covers(pkg) && r.forbid(pkg, imported) {
			out = append(out, r.reason)
		}
	}
	return out
}

// listedPackage is the output of `go list -json` for a package.
type listedPackage struct {
	ImportPath, Name, Dir string
	Standard              bool
	GoFiles, Imports      []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Dir,Standard,GoFiles,Imports", module+"...")
	cmd.Dir = "../../.."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []listedPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		if isInModule(p.ImportPath + "/") {
			pkgs = append(pkgs, p)
		}
	}
}

func TestImports(t *testing.T) {
	pkgs := listPackages(t)
	if len(pkgs) < 20 {
		t.Fatalf("go list has %d packages of this module", len(pkgs))
	}
	for _, p := range pkgs {
		for _, imp := range p.Imports {
			for _, reason := range brokenRules(p.ImportPath, imp) {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, reason)
			}
		}
	}
}

func TestRulesFindForbiddenImports(t *testing.T) {
	for _, tc := range []struct {
		pkg, imp string
		ok       bool
	}{
		{"patchbay/sdk/envelope", "encoding/json", true},
		{"patchbay/sdk/envelope", "github.com/google/uuid", false},
		{"patchbay/sdk/envelope", "patchbay/sdk/webhook", false},
		{"patchbay/sdk/webhook", "patchbay/core/internal/route", false},
		{"patchbay/sdk", "patchbay/plugins/native", false},
		{"patchbay/sdk", "google.golang.org/grpc/status", false},
		{"patchbay/sdk", "patchbay/sdk/protocol/pluginpb", false},
		{"patchbay/sdk/serve", "google.golang.org/grpc", true},
		{"patchbay/plugins/native", "patchbay/sdk/webhook", true},
		{"patchbay/plugins/native", "patchbay/core/internal/plugin", false},
		{"patchbay/plugins/native", "patchbay/plugins/aicc", false},
		{"patchbay/plugins/native", "patchbay/sandbox/native", false},
		{"patchbay/sandbox/native", "patchbay/sdk/envelope", false},
		{"patchbay/sandbox/native", "patchbay/plugins/native", false},
		{"patchbay/sandbox/native", "patchbay/sandbox/aicc", false},
		{"patchbay/sandbox/native", "patchbay/sandbox/simulator", true},
		{"patchbay/sandbox/simulator", "patchbay/sandbox/native", false},
		{"patchbay/sandbox", "patchbay/sandbox/native", true},
		{"patchbay/sandbox", "patchbay/sdk/envelope", false},
		{"patchbay/core/internal/route", "net/http", false},
		{"patchbay/core/internal/conversation", "os", false},
		{"patchbay/core/internal/conversation", "crypto/sha256", true},
		{"patchbay/core/internal/state", "patchbay/core/internal/journal", true},
		{"patchbay/core/internal/state", "patchbay/core/internal/conversation", false},
		{"patchbay/core/internal/state", "patchbay/core/internal/route", false},
		{"patchbay/core/internal/render", "patchbay/core/internal/state", false},
		{"patchbay/core/internal/render", "os", false},
		{"patchbay/core/internal/attempt", "patchbay/core/internal/writer", false},
		{"patchbay/core/internal/delivery", "patchbay/core/internal/writer", false},
		{"patchbay/core/internal/writer", "patchbay/core/internal/delivery", false},
		{"patchbay/core/internal/admin", "github.com/knadh/koanf/v2", false},
		{"patchbay/core/internal/config", "github.com/knadh/koanf/v2", true},
		{"patchbay/core/internal/delivery", "github.com/hashicorp/go-plugin", false},
		{"patchbay/core/internal/writer", "github.com/nats-io/nats.go/jetstream", false},
		{"patchbay/core/internal/store/jetstream", "github.com/nats-io/nats.go", true},
		{"patchbay/core/internal/app", "patchbay/plugins/native", false},
		{"patchbay/core/internal/admin", "patchbay/core/internal/app", false},
	} {
		if got := brokenRules(tc.pkg, tc.imp); (len(got) == 0) != tc.ok {
			t.Errorf("%s importing %s: breaches %q, want allowed = %v", tc.pkg, tc.imp, got, tc.ok)
		}
	}
}

// findCalls returns the positions in the files of a package at which one of the functions is used. A function is given
// as package.Name. The package must not be imported under another name.
func findCalls(t *testing.T, p *listedPackage, functions ...string) []string {
	t.Helper()
	var found []string
	for _, name := range p.GoFiles {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(p.Dir, name)
		}
		found = append(found, findUses(t, path, nil, functions)...)
	}
	return found
}

func findUses(t *testing.T, path string, src any, functions []string) []string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(functions, x.Name+"."+sel.Sel.Name) {
				found = append(found, fmt.Sprintf("%s: %s.%s", fset.Position(n.Pos()), x.Name, sel.Sel.Name))
			}
		}
		return true
	})
	return found
}

var clockFunctions = []string{
	"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.Tick",
	"time.NewTimer", "time.NewTicker",
}

var exitFunctions = []string{"os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "syscall.Exit"}

func TestDecisionsHaveNoClock(t *testing.T) {
	for _, p := range listPackages(t) {
		if isPure(p.ImportPath) {
			for _, at := range findCalls(t, &p, clockFunctions...) {
				t.Errorf("%s: a decision uses the time that is passed in, not the clock", at)
			}
		}
	}
}

func TestOnlyMainExits(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.Name == "main" || isOneOf("sdk/serve")(p.ImportPath) { // the main function of a plugin only calls serve.Main
			continue
		}
		for _, at := range findCalls(t, &p, exitFunctions...) {
			t.Errorf("%s: only a main package ends the process; return an error", at)
		}
	}
}

func TestUsesAreFound(t *testing.T) {
	const src = "package x\nfunc f() { if time.Now().IsZero() { os.Exit(1) }; g := time.Since; _ = g }"
	if got := findUses(t, "x.go", src, append(slices.Clone(clockFunctions), exitFunctions...)); len(got) != 3 {
		t.Errorf("found %q, want three uses", got)
	}
}
