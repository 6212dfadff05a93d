package docs

import (
	"os"
	"strings"
	"testing"
)

// block is a fenced code block of a document.
type block struct {
	info string // text after the opening fence: "yaml", "yaml fragment", "console run"
	line int    // line number of the opening fence
	text string
}

// blocks returns the fenced code blocks of a document.
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
		t.Fatalf("%s:%d: the block is not closed", relativePath(path), open.line)
	}
	return out
}

// blockKinds lists the allowed values of block.info. The tests would not find a block with a misspelt value.
var blockKinds = map[string]bool{
	"": true, "yaml": true, "yaml fragment": true, "console": true, "console run": true, "go": true, "go main.go": true,
	"console conformance": true, "yaml channel.yaml": true, "http in/hello.http": true, "http out/answer.http": true,
	"yaml test": true, "json": true, "proto": true, "ini": true, "promql": true, "sh": true,
}

func TestBlocksAreOfKnownKinds(t *testing.T) {
	for _, path := range documents(t) {
		for _, b := range blocks(t, path) {
			if !blockKinds[b.info] {
				t.Errorf("%s:%d: block %q is none of %v", relativePath(path), b.line, b.info, blockKinds)
			}
		}
	}
}
