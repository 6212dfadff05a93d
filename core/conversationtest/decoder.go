package conversationtest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"patchbay/core/internal/config"
)

// decoder turns values into the types of this package and collects the problems.
type decoder struct{ problems []config.Problem }

func (d *decoder) bad(v config.Value, format string, args ...any) {
	d.problems = append(d.problems, v.Problem(fmt.Sprintf(format, args...)))
}

// fields calls the function of each key of a mapping. It reports keys that have none.
func (d *decoder) fields(v config.Value, fields map[string]func(config.Value)) {
	if !v.IsMapping() {
		d.bad(v, "must be a mapping, not %s", v.Kind())
		return
	}
	for _, child := range v.Children() {
		if f := fields[child.Name()]; f != nil {
			f(child)
			continue
		}
		d.problems = append(d.problems, child.UnknownKey(slices.Collect(maps.Keys(fields))))
	}
}

// list calls f with each item of a list.
func (d *decoder) list(v config.Value, f func(config.Value)) {
	if !v.IsList() {
		d.bad(v, "must be a list, not %s", v.Kind())
		return
	}
	for _, item := range v.Children() {
		f(item)
	}
}

// oneOrList calls f with a single value or mapping, or with each item of a list.
func (d *decoder) oneOrList(v config.Value, f func(config.Value)) {
	if v.IsList() {
		d.list(v, f)
		return
	}
	f(v)
}

func (d *decoder) text(v config.Value) string {
	if !v.IsText() {
		d.bad(v, "must be a text, not %s", v.Kind())
	}
	return v.Text()
}

// setText returns a function that stores a text.
func (d *decoder) setText(to *string) func(config.Value) {
	return func(v config.Value) { *to = d.text(v) }
}

// setNonEmpty returns a function that stores a text that must not be empty.
func (d *decoder) setNonEmpty(to *string) func(config.Value) {
	return func(v config.Value) {
		if *to = d.text(v); *to == "" && v.IsText() {
			d.bad(v, "is empty; give it a value or leave the key out")
		}
	}
}

// setOptional returns a function that stores a text, which may be empty.
func (d *decoder) setOptional(to **string) func(config.Value) {
	return func(v config.Value) {
		s := d.text(v)
		*to = &s
	}
}

// oneOf returns a function that stores one of the known names.
func (d *decoder) oneOf(kind string, known []string, to *string) func(config.Value) {
	return func(v config.Value) {
		if *to = d.text(v); v.IsText() && !slices.Contains(known, *to) {
			d.problems = append(d.problems, v.UnknownName(kind, known))
		}
	}
}

// texts returns the values of one text or a list of texts; never nil.
func (d *decoder) texts(v config.Value) []string {
	out := []string{}
	d.oneOrList(v, func(item config.Value) { out = append(out, d.text(item)) })
	return out
}

func (d *decoder) textMap(v config.Value) map[string]string {
	if !v.IsMapping() {
		d.bad(v, "must be a mapping, not %s", v.Kind())
	}
	out := map[string]string{}
	for _, child := range v.Children() {
		out[child.Name()] = d.text(child)
	}
	return out
}

func (d *decoder) duration(v config.Value) time.Duration {
	out, err := time.ParseDuration(d.text(v))
	if v.IsText() && (err != nil || out <= 0) {
		d.bad(v, "must be a duration of more than 0, such as 30s or 10m")
	}
	return out
}

func (d *decoder) number(v config.Value) int {
	n, err := strconv.Atoi(d.text(v))
	if v.IsText() && (err != nil || n < 1) {
		d.bad(v, "must be a whole number of at least 1")
	}
	return n
}
