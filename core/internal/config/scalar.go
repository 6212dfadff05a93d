package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)

// convert turns a text into a value of type t. n is the node that it comes from, nil if it comes from the
// environment. Texts stay as they are written: 0041771234567 keeps its zeros. An error shows the value unless it
// comes from a reference.
func convert(r resolved, n *node, t reflect.Type) (any, error) {
	// A quoted 5 is a text. Where the text comes from a reference or the environment, there is no other way.
	plain := n == nil || r.secret || n.yaml.ShortTag() != "!!str"
	switch t {
	case reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(r.text)
		if err != nil {
			return nil, fmt.Errorf("%s is no duration; write a number with a unit, such as 30s, 15m or 72h", quote(r))
		}
		return d, nil
	case reflect.TypeFor[ByteSize]():
		b, err := ParseByteSize(r.text)
		if err != nil {
			return nil, fmt.Errorf("%s is no size; write a number with a unit, such as 512MiB or 8GiB", quote(r))
		}
		return b, nil
	case reflect.TypeFor[onlyTrue]():
		if !plain || r.text != "true" {
			return nil, errors.New("can only be true; to say no, leave the key out")
		}
		return true, nil
	case reflect.TypeFor[filled]():
		if strings.TrimSpace(r.text) == "" {
			return nil, errors.New("is empty; give it a value or leave the key out")
		}
		return r.text, nil
	}
	switch t.Kind() {
	case reflect.String:
		return r.text, nil
	case reflect.Bool:
		if !plain || r.text != "true" && r.text != "false" {
			return nil, fmt.Errorf("%s is neither true nor false", quote(r))
		}
		return r.text == "true", nil
	case reflect.Int:
		if !plain || !integer.MatchString(r.text) {
			return nil, fmt.Errorf("%s is no whole number", quote(r))
		}
		return strconv.Atoi(r.text)
	case reflect.Float64:
		f, err := strconv.ParseFloat(r.text, 64)
		if !plain || err != nil || f != f || f-f != 0 {
			return nil, fmt.Errorf("%s is no number", quote(r))
		}
		return f, nil
	}
	return nil, fmt.Errorf("a value of type %s can't be written here", t)
}

// quote returns what may be shown of a value.
func quote(r resolved) string {
	if r.secret {
		return "the value of " + r.shown
	}
	if len(r.text) > 60 {
		return strconv.Quote(r.text[:60]) + "…"
	}
	return strconv.Quote(r.text)
}
