package docs

import (
	"os"
	"strings"
	"testing"
)

// block is a fenced block of a document.
type block struct {
	info string // text after the fence: "yaml", "yaml fragment", "console run"
	line int    // line number of the fence
	text string
}

// blocks returns the fenced blocks of a document.
func blocks(t *testing.T, path string) []block {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var open *block
	for i, line := range strings.Split(string(content), "\n") {
		fence := strings.HasPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{info: strings.TrimSpace(strings.TrimLeft(line, "`")), line: i + 1}
		case fence:
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block is not closed", short(path), open.line)
	}
	return out
}

// kinds are the blocks that documents may have. Every other one escapes the tests by a slip of the pen.
var kinds = map[string]bool{
	"": true, "yaml": true, "yaml fragment": true, "console": true, "console run": true, "go": true, "go main.go": true,
	"console conformance": true, "yaml channel.yaml": true, "http in/hello.http": true, "http out/answer.http": true,
	"yaml test": true, "json": true, "proto": true, "ini": true, "promql": true, "sh": true,
}

func TestBlocksAreOfKnownKinds(t *testing.T) {
	for _, path := range documents(t) {
		for _, b := range blocks(t, path) {
			if !kinds[b.info] {
				t.Errorf("%s:%d: block %q is none of %v", short(path), b.line, b.info, kinds)
			}
		}
	}
}
