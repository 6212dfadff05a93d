package config

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// lookBack bounds the bytes that breakLine reads again.
const lookBack = maxFile

// breakLine returns the line from which on a file is no YAML: without it and what follows, it would be. That is where an
// unfinished value begins, or the line whose indentation is wrong.
func breakLine(data []byte) int {
	in := &byLine{rest: data}
	if err := parse(in); err == nil {
		return 1
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	last := min(in.lines+1, len(lines))
	for n, left := last-1, lookBack; n >= 0 && left > 0; n-- {
		above := bytes.Join(lines[:n], nil)
		if parse(bytes.NewReader(above)) == nil {
			return n + 1
		}
		left -= len(above)
	}
	return last
}

// parse reads all documents.
func parse(in io.Reader) error {
	for dec := yaml.NewDecoder(in); ; {
		var doc yaml.Node
		if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// byLine hands out at most one line a call, so that it shows how far its reader has come.
type byLine struct {
	rest  []byte
	lines int // that were handed out whole
}

// Read hands out the rest of a line.
func (b *byLine) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := len(b.rest)
	if end := bytes.IndexByte(b.rest, '\n'); end >= 0 {
		n = end + 1
	}
	n = copy(p, b.rest[:n])
	if b.rest[n-1] == '\n' {
		b.lines++
	}
	b.rest = b.rest[n:]
	return n, nil
}
