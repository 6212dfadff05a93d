package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stringFields are the fields of a DownLinkMsg that the page calls strings. readDownlink also accepts numbers.
var stringFields = []string{
	"channel", "from", "mediaType", "senderNickname", "sourceType", "controlType", "to", "messageCode",
}

// readDownlink decodes one message. If a field has the wrong type, the error names it and the other fields are set.
func readDownlink(raw json.RawMessage) (*downlink, error) {
	var m downlink
	err := json.Unmarshal(raw, &m)
	if err == nil {
		return &m, nil
	}
	if quoted := quoteNumbers(raw); quoted != nil {
		m = downlink{}
		err = json.Unmarshal(quoted, &m)
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := te.Field
		if field == "" {
			field = "message"
		}
		err = invalid(field, "has the wrong type")
	}
	return &m, err
}

// quoteNumbers converts the numbers in stringFields to strings. It returns nil if raw is not an object. It keeps the
// digits as written: AICC's ids exceed the precision of a float64.
func quoteNumbers(raw json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	for name, v := range fields {
		isString := slices.ContainsFunc(stringFields, func(f string) bool { return strings.EqualFold(f, name) })
		if text, ok := literalText(v); isString && ok && v[0] != '"' && text != "" {
			fields[name] = json.RawMessage(strconv.Quote(text))
		}
	}
	quoted, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return quoted
}

// literal decodes a JSON string, number or null as text. Other values decode as "", without an error.
type literal string

// UnmarshalJSON implements json.Unmarshaler.
func (l *literal) UnmarshalJSON(b []byte) error {
	s, _ := literalText(b)
	*l = literal(s)
	return nil
}

// literalText returns the text of a JSON string or number, "" for null or no value, and false for any other value.
func literalText(raw json.RawMessage) (string, bool) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", true
	case raw[0] == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err == nil
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		return string(raw), true
	}
	return "", false
}

// lastMilli is the last millisecond of the year 9999, the latest time that RFC 3339 and therefore JSON can represent.
const lastMilli = 253402300799999

// milliTime parses a time in milliseconds since 1970 from a number or a string. No value and 0 give the zero time.
func milliTime(raw json.RawMessage) (time.Time, error) {
	s, ok := literalText(raw)
	if s = strings.TrimSpace(s); !ok {
		return time.Time{}, invalid("timestamp", "is not a number")
	}
	if s == "" || s == "0" {
		return time.Time{}, nil
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(s, 64) // some encoders write the integer as 1.625898453913E12
		if err != nil || math.IsNaN(f) || math.Abs(f) > lastMilli {
			return time.Time{}, invalid("timestamp", "is not a time in milliseconds")
		}
		ms = int64(f)
	}
	if ms < 0 || ms > lastMilli {
		return time.Time{}, invalid("timestamp", "is out of range")
	}
	return time.UnixMilli(ms).UTC(), nil
}

// flagValue parses an optional boolean. An older page declares it as a string, so the usual texts for true and false
// are accepted.
func flagValue(raw json.RawMessage) (value, given bool, err error) {
	text, ok := literalText(raw)
	if !ok {
		text = string(raw) // true or false
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "":
		return false, false, nil
	case "true", "y", "1":
		return true, true, nil
	case "false", "n", "0":
		return false, true, nil
	}
	return false, false, invalid("isOfflineStatus", "is neither true nor false")
}

// fieldError reports a field that cannot be parsed.
type fieldError struct{ field, text string }

// Error implements error.
func (e *fieldError) Error() string { return e.field + ": " + e.text }

// invalid returns an error about a field.
func invalid(field, format string, args ...any) error {
	return &fieldError{field, fmt.Sprintf(format, args...)}
}
