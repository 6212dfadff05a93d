package main

import "github.com/go-json-experiment/json/jsontext"

// streamedText is a text that arrives in several JSON strings. It keeps their content as written and decodes it at the
// end, because GPTBots may divide a text between the two escapes of one character.
type streamedText struct{ escaped []byte }

// add appends a JSON string. It ignores null and a missing value, and returns false for any other value.
func (t *streamedText) add(v jsontext.Value) bool {
	switch v.Kind() {
	case 'n', 0:
		return true
	case '"':
		t.escaped = append(t.escaped, v[1:len(v)-1]...)
		return true
	}
	return false
}

// String returns the decoded text.
func (t *streamedText) String() string {
	return stringOf(append(append([]byte{'"'}, t.escaped...), '"'))
}
