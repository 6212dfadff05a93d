package harness

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"

	"patchbay/sandbox/simulator"
)

// Line is one line of the gateway's log.
type Line struct {
	Raw    string
	Fields map[string]any // nil if the line is no JSON object
}

// Text returns a field as text, "" if it has none.
func (l Line) Text(field string) string {
	s, _ := l.Fields[field].(string)
	return s
}

// Is reports whether the line has this message, and these fields as text: name, value, name, value.
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

// logs keeps what the gateway writes, over its restarts.
type logs struct{ lines simulator.Log[Line] }

// read takes lines until the gateway closes its end.
func (l *logs) read(r io.Reader) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 4<<20)
	for s.Scan() {
		line := Line{Raw: s.Text()}
		if strings.HasPrefix(line.Raw, "{") {
			_ = json.Unmarshal([]byte(line.Raw), &line.Fields) // a line that is no JSON keeps nil, and tests see that
		}
		l.lines.Append(line)
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
