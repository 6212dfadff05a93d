package main

import (
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decode decodes a response of GPTBots. It tolerates duplicate members and invalid UTF-8.
func decode(v []byte, into any) error {
	return json.Unmarshal(v, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// stringOf returns the text of a JSON string, or "".
func stringOf(v jsontext.Value) string {
	var s string
	if v.Kind() != '"' || decode(v, &s) != nil {
		return ""
	}
	return s
}

// idOf returns the text of a JSON string or number, or "".
func idOf(v jsontext.Value) string {
	if v.Kind() == '0' {
		return string(v)
	}
	return stringOf(v)
}

// intOf returns a whole number, which may be written as a string.
func intOf(v jsontext.Value) (int, bool) {
	n, err := strconv.Atoi(idOf(v))
	return n, err == nil
}
