package harness

import (
	"bytes"
	"encoding/json"
	"strings"

	"patchbay/sandbox/simulator"
)

// Line is one line of the gateway's log output.
type Line struct {
	Raw    string
	Fields map[string]any // nil if the line is not a JSON object
}

// Text returns the value of a field, or "" if the field is missing or not a string.
func (l Line) Text(field string) string {
	s, _ := l.Fields[field].(string)
	return s
}

// Matches reports whether the line has this message and these string fields: name, value, name, value.
func (l Line) Matches(msg string, fields ...string) bool {
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

// logs records the log output of the gateway. Restarts do not clear it.
type logs struct {
	lines   simulator.Log[Line]
	partial []byte // the last line, which has no line break yet
}

// Write implements io.Writer. Only one process writes at a time.
func (l *logs) Write(p []byte) (int, error) {
	l.partial = append(l.partial, p...)
	for {
		raw, rest, ok := bytes.Cut(l.partial, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		line := Line{Raw: string(raw)}
		_ = json.Unmarshal(raw, &line.Fields) // Fields stays nil if the line is not a JSON object
		l.lines.Append(line)
		l.partial = bytes.Clone(rest)
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
