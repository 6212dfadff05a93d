package plugin

import (
	"log/slog"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// record is one line of an adapter's log.
type record struct {
	level   slog.Level
	message string
	attrs   []slog.Attr
}

// maxAttrDepth bounds nested groups.
const maxAttrDepth = 8

// decodeRecord reads a JSON object with slog's keys (time, level, msg) or hclog's (@timestamp, @level, @message). It
// tolerates any type under any key, and keeps the order of the others. It reports false for anything else.
func decodeRecord(line string) (record, bool) {
	if !strings.HasPrefix(line, "{") {
		return record{}, false
	}
	attrs, ok := decodeObject(jsontext.Value(line), 0)
	if !ok {
		return record{}, false
	}
	rec := record{level: slog.LevelInfo}
	known := false
	for _, a := range attrs {
		switch a.Key {
		case "time", "@timestamp":
		case "level", "@level":
			rec.level = parseLevel(a.Value.String())
			known = true
		case "msg", "@message":
			rec.message = a.Value.String()
			known = true
		case "@module", "@caller":
			rec.attrs = append(rec.attrs, slog.Attr{Key: a.Key[1:], Value: a.Value})
		default:
			rec.attrs = append(rec.attrs, a)
		}
	}
	if rec.message == "" {
		rec.message = "message of the adapter"
	}
	return rec, known
}

// parseLevel reads the names that slog and hclog write; others are info.
func parseLevel(s string) slog.Level {
	if strings.EqualFold(s, "trace") {
		return slog.LevelDebug
	}
	var l slog.Level
	if l.UnmarshalText([]byte(s)) != nil {
		return slog.LevelInfo
	}
	return l
}

// errorText returns the attribute "error" for people.
func (r *record) errorText() string {
	for _, a := range r.attrs {
		if a.Key == "error" || a.Key == "panic" {
			return ": " + a.Value.String()
		}
	}
	return ""
}

// decodeObject returns the members of a JSON object in order.
func decodeObject(v jsontext.Value, depth int) ([]slog.Attr, bool) {
	dec := jsontext.NewDecoder(strings.NewReader(string(v)), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return nil, false
	}
	var out []slog.Attr
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, false
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, false
		}
		out = append(out, slog.Attr{Key: key, Value: attrValue(value, depth)})
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	rest := strings.TrimSpace(string(v)[dec.InputOffset():])
	return out, rest == ""
}

func attrValue(v jsontext.Value, depth int) slog.Value {
	switch v.Kind() {
	case '"':
		s, err := jsontext.AppendUnquote(nil, v)
		if err != nil && len(s) == 0 {
			return slog.StringValue(string(v))
		}
		return slog.StringValue(strings.ToValidUTF8(string(s), "\uFFFD"))
	case '0':
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return slog.Int64Value(n)
		}
		if f, err := strconv.ParseFloat(string(v), 64); err == nil {
			return slog.Float64Value(f)
		}
	case 't', 'f':
		return slog.BoolValue(v.Kind() == 't')
	case 'n':
		return slog.AnyValue(nil)
	case '{':
		if attrs, ok := decodeObject(v, depth+1); ok && depth < maxAttrDepth && len(attrs) > 0 {
			return slog.GroupValue(attrs...)
		}
	}
	return slog.StringValue(strings.ToValidUTF8(string(v), "\uFFFD"))
}
