package main

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// literal reads a JSON string, number or null as text. Other values read as "", and never as an error.
type literal string

// UnmarshalJSON implements json.Unmarshaler.
func (l *literal) UnmarshalJSON(b []byte) error {
	s, _ := literalText(b)
	*l = literal(s)
	return nil
}

// literalText returns the text of a JSON string or number, "" for null or nothing; false for anything else.
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

// lastMilli is the last millisecond of the year 9999: what JSON can carry as a time.
const lastMilli = 253402300799999

// milliTime reads a time in milliseconds, as a number or a string. Nothing and 0 give the zero time.
func milliTime(raw json.RawMessage) (time.Time, error) {
	s, ok := literalText(raw)
	if s = strings.TrimSpace(s); !ok {
		return time.Time{}, wrong("timestamp", "not a number")
	}
	if s == "" || s == "0" {
		return time.Time{}, nil
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(s, 64) // 1.625898453913E12 is how some JSON writers print a long
		if err != nil || math.IsNaN(f) || math.Abs(f) > lastMilli {
			return time.Time{}, wrong("timestamp", "not a time in milliseconds")
		}
		ms = int64(f)
	}
	if ms < 0 || ms > lastMilli {
		return time.Time{}, wrong("timestamp", "out of range")
	}
	return time.UnixMilli(ms).UTC(), nil
}

// flagValue reads an optional boolean. An older page calls it a string, so that the usual words for one are taken too.
func flagValue(raw json.RawMessage) (value, given bool, err error) {
	text, ok := literalText(raw)
	if !ok {
		text = string(raw) // true and false
	}
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "":
		return false, false, nil
	case "true", "y", "1":
		return true, true, nil
	case "false", "n", "0":
		return false, true, nil
	}
	return false, false, wrong("isOfflineStatus", "neither true nor false")
}
