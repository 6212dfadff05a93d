package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"patchbay/core/internal/route"
)

// shaper turns nodes into the exact values that the types of the file demand, and reports what does not fit.
type shaper struct {
	file     string
	resolver *resolver
	shown    map[string]string // what may be shown of values with references, by path
	problems *[]Problem
}

func (s *shaper) bad(at Position, path []string, suggestion, format string, args ...any) {
	*s.problems = append(*s.problems, Problem{Position: at, Path: dotted(path), Suggestion: suggestion,
		Message: fmt.Sprintf(format, args...)})
}

func (s *shaper) place(n *node) Position { return Position{s.file, n.line, n.column} }

var (
	typeFree  = reflect.TypeFor[free]()
	typeWords = reflect.TypeFor[words]()
	typeOffer = reflect.TypeFor[fileOffer]()
)

// value returns a node as a value for a field of type t; false if it does not fit, which is then reported.
func (s *shaper) value(n *node, t reflect.Type, path []string) (any, bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == typeFree:
		return nil, false // read from the nodes when the adapter's schema is known
	case t == typeWords && n.kind == scalar:
		text, ok := s.scalar(n, reflect.TypeFor[string](), path)
		return []any{text}, ok
	case t == typeOffer && (n.kind == scalar || n.kind == list):
		to, ok := s.value(n, typeWords, path)
		return map[string]any{"to": to}, ok
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.fields(n, t, path)
	case reflect.Map:
		return s.entries(n, t.Elem(), path)
	case reflect.Slice:
		return s.list(n, t.Elem(), path)
	}
	return s.scalar(n, t, path)
}

// expect reports a node of the wrong kind. A mapping or list that is left empty counts as absent.
func (s *shaper) expect(n *node, want nodeKind, path []string) bool {
	switch n.kind {
	case want:
		return true
	case null:
	default:
		s.bad(s.place(n), path, "", "must be %s, not %s", want, n.kind)
	}
	return false
}

func (s *shaper) fields(n *node, t reflect.Type, path []string) (any, bool) {
	if !s.expect(n, mapping, path) {
		return nil, false
	}
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		fields[f.Tag.Get("koanf")] = f.Type
	}
	out := map[string]any{}
	for _, k := range n.keys {
		at := append(slices.Clip(path), k.name)
		ft, known := fields[k.name]
		if !known {
			s.unknown(k, path, slices.Sorted(maps.Keys(fields)))
			continue
		}
		if v, ok := s.value(k.value, ft, at); ok {
			out[k.name] = v
		}
	}
	return out, true
}

// unknown reports a key that nothing reads.
func (s *shaper) unknown(k key, path, known []string) {
	at, where := Position{s.file, k.line, k.column}, append(slices.Clip(path), k.name)
	place := pattern(path)
	switch hint := hints[place][k.name]; {
	case slices.Contains(later[place], k.name):
		s.bad(at, where, "", "is not supported yet")
	case hint != "":
		s.bad(at, where, hint, "unknown key")
	default:
		message, near := unknownName("key", k.name, known)
		if place == "channels.*" {
			message += "; what the adapter alone knows stands below settings"
		}
		s.bad(at, where, near, "%s", message)
	}
}

// unknownName words the problem of a name that is none of the known ones: with what was probably meant, or with
// all that there are.
func unknownName(what, name string, known []string) (message, suggestion string) {
	if near := route.Closest(name, known); near != "" {
		return "unknown " + what, near
	}
	if len(known) == 0 {
		return "unknown " + what + "; there are none here", ""
	}
	return "unknown " + what + "; there are " + strings.Join(known, ", "), ""
}

// pattern replaces names and numbers in a path, as the tables of keys have it.
func pattern(path []string) string {
	if len(path) >= 2 && slices.Contains([]string{"adapters", "channels", "routes"}, path[0]) {
		path = append([]string{path[0], "*"}, path[2:]...)
	}
	return strings.Join(path, ".")
}

func (s *shaper) entries(n *node, elem reflect.Type, path []string) (any, bool) {
	if !s.expect(n, mapping, path) {
		return nil, false
	}
	out := map[string]any{}
	for _, k := range n.keys {
		at := append(slices.Clip(path), k.name)
		v, ok := s.value(k.value, elem, at)
		if !ok && k.value.kind == null && elem.Kind() == reflect.Struct {
			v, ok = map[string]any{}, true // `desk:` with nothing below is an entry without keys
		}
		if ok {
			out[k.name] = v
		}
	}
	return out, true
}

func (s *shaper) list(n *node, elem reflect.Type, path []string) (any, bool) {
	if !s.expect(n, list, path) {
		return nil, false
	}
	out := make([]any, 0, len(n.items))
	for i, item := range n.items {
		at := append(slices.Clip(path), strconv.Itoa(i))
		v, ok := s.value(item, elem, at)
		if !ok {
			v = reflect.Zero(elem).Interface() // keeps the numbers of the items after it
			if elem.Kind() == reflect.Struct {
				v = map[string]any{}
			}
		}
		out = append(out, v)
	}
	return out, true
}

// scalar resolves references and converts to a plain type.
func (s *shaper) scalar(n *node, t reflect.Type, path []string) (any, bool) {
	if n.kind == null {
		s.bad(s.place(n), path, "", "is empty; give it a value or leave the key out")
		return nil, false
	}
	if !s.expect(n, scalar, path) {
		return nil, false
	}
	r := resolved{text: n.text, shown: n.text}
	if path[0] == "routes" {
		if strings.Contains(n.text, "${env:") || strings.Contains(n.text, "${file:") {
			s.bad(s.place(n), path, "", "references are not available in routes, which hold no secrets; write the text itself")
			return nil, false
		}
	} else {
		var err error
		if r, err = s.resolver.resolve(n.text); err != nil {
			for _, e := range unjoin(err) {
				s.bad(s.place(n), path, "", "%v", e)
			}
			return nil, false
		}
	}
	if r.secret {
		s.shown[dotted(path)] = r.shown
	}
	v, err := convert(r, n, t)
	if err != nil {
		s.bad(s.place(n), path, "", "%v", err)
		return nil, false
	}
	return v, true
}

func unjoin(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return many.Unwrap()
	}
	return []error{err}
}
