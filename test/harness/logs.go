package harness

import (
	"bytes"
	"encoding/json"
	"strings"

	"patchbay/sandbox/simulator"
)

// Line is one line of the gateway's log.
type Line struct {
	Raw    string
	Fields map[string]any // nil if the line is no JSON object
}

// Text returns a field as text, "" if it is not there or no text.
func (l Line) Text(field string) string {
	s, _ := l.Fields[field].(string)
	return s
}

// Is returns whether the line has this message, and these fields as text: name, value, name, value.
func (l Line) Is(msg string, fields ...string) bool {
	if l.Text("msg") != msg {
		return false
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if l.Text(fields[i]) != fields[i+1] {
			return false
		}
	}
	return true
}

// logs keeps the output of the gateway, over its restarts.
type logs struct {
	lines simulator.Log[Line]
	begun []byte // of the last line
}

// Write takes output. Only one process writes at a time.
func (l *logs) Write(p []byte) (int, error) {
	l.begun = append(l.begun, p...)
	for {
		raw, rest, ok := bytes.Cut(l.begun, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		line := Line{Raw: string(raw)}
		if strings.HasPrefix(line.Raw, "{") {
			_ = json.Unmarshal(raw, &line.Fields) // a line that is no JSON keeps nil, and tests see that
		}
		l.lines.Append(line)
		l.begun = bytes.Clone(rest)
	}
}

// tail returns the last lines as text.
func (l *logs) tail(n int) string {
	all := l.lines.All()
	var b strings.Builder
	for _, line := range all[max(0, len(all)-n):] {
		b.WriteString(line.Raw)
		b.WriteByte('\n')
	}
	return b.String()
}
