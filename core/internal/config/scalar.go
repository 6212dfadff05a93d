package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"patchbay/sdk/text"
)

type (
	nonEmpty string // must not be empty if the key is present
	onlyTrue bool   // must be true if the key is present
)

var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)

// convert returns the value of a node as type t. Texts stay as they are written: 0041771234567 keeps its zeros. An
// error shows the value unless it is confidential.
func convert(n *node, t reflect.Type) (any, error) {
	s := n.resolved.text
	// A quoted 5 is a text. References and environment variables have texts only, so their values count as unquoted.
	plain := n.resolved.secret || !n.isText()
	switch t {
	case reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(s)
		if err != nil {
			return nil, fmt.Errorf("%s is not a duration; write a number with a unit, such as 30s, 15m or 72h",
				n.quote())
		}
		return d, nil
	case reflect.TypeFor[ByteSize]():
		b, err := ParseByteSize(s)
		if err != nil {
			return nil, fmt.Errorf("%s is not a size; write a number with a unit, such as 512MiB or 8GiB", n.quote())
		}
		return b, nil
	case reflect.TypeFor[onlyTrue]():
		if !plain || s != "true" {
			return nil, errors.New("can only be true; leave the key out for false")
		}
		return onlyTrue(true), nil
	case reflect.TypeFor[nonEmpty]():
		if strings.TrimSpace(s) == "" {
			return nil, errors.New("is empty; give it a value or leave the key out")
		}
		return nonEmpty(s), nil
	}
	switch t.Kind() {
	case reflect.String:
		return s, nil
	case reflect.Bool:
		if !plain || s != "true" && s != "false" {
			return nil, fmt.Errorf("%s is neither true nor false", n.quote())
		}
		return s == "true", nil
	case reflect.Int:
		if !plain || !integer.MatchString(s) {
			return nil, fmt.Errorf("%s is not a whole number", n.quote())
		}
		return strconv.Atoi(s)
	}
	f, err := strconv.ParseFloat(s, 64)
	if !plain || err != nil || f != f || f-f != 0 {
		return nil, fmt.Errorf("%s is not a number", n.quote())
	}
	return f, nil
}

// quote returns the value of a setting for an error, or its origin if the value is confidential.
func (n *node) quote() string {
	if n.resolved.secret {
		return "the value of " + n.resolved.shown
	}
	const most = 60
	if s := n.resolved.text; len(s) > most {
		return strconv.Quote(text.Clip(s, most)) + "…"
	}
	return strconv.Quote(n.resolved.text)
}
