package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// stringFields are the fields of a DownLinkMsg that the page has as strings and readDownlink takes as numbers, too.
var stringFields = []string{
	"channel", "from", "mediaType", "senderNickname", "sourceType", "controlType", "to", "messageCode",
}

// readDownlink decodes one message. An error names the field that has a wrong type, and leaves the others filled.
func readDownlink(raw json.RawMessage) (*downlink, error) {
	var m downlink
	err := json.Unmarshal(raw, &m)
	if err == nil {
		return &m, nil
	}
	if words := withWords(raw); words != nil {
		m = downlink{}
		err = json.Unmarshal(words, &m)
	}
	if te, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		field := te.Field
		if field == "" {
			field = "message"
		}
		err = wrong(field, "has the wrong type")
	}
	return &m, err
}

// withWords is a message with its numbers as strings where the page has strings; nil if it is no object. The digits stay
// as they are written: ids of AICC have more of them than a floating-point number can hold.
func withWords(raw json.RawMessage) json.RawMessage {
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
	words, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return words
}
