package plugin

import (
	"log/slog"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// logRecord is one JSON line of an adapter's log output.
type logRecord struct {
	level   slog.Level
	message string
	attrs   []slog.Attr
}

// maxAttrDepth limits the nesting of groups.
const maxAttrDepth = 8

// decodeRecord decodes a JSON object with the keys of slog (time, level, msg) or hclog (@timestamp, @level, @message).
// It accepts values of any type and keeps the order of the attributes. It returns false for any other line.
func decodeRecord(line string) (logRecord, bool) {
	if !strings.HasPrefix(line, "{") {
		return logRecord{}, false
	}
	attrs, ok := decodeObject(jsontext.Value(line), 0)
	if !ok {
		return logRecord{}, false
	}
	rec := logRecord{level: slog.LevelInfo}
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
		rec.message = "record without a message"
	}
	return rec, known
}

// parseLevel parses the level names of slog and hclog. Other names mean info.
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

// errorText returns ": " and the value of the attribute error or panic, or "".
func (r *logRecord) errorText() string {
	for _, a := range r.attrs {
		if a.Key == "error" || a.Key == "panic" {
			return ": " + a.Value.String()
		}
	}
	return ""
}

// decodeObject returns the members of a JSON object in order.
func decodeObject(v jsontext.Value, depth int) ([]slog.Attr, bool) {
	dec := jsontext.NewDecoder(strings.NewReader(string(v)),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
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
