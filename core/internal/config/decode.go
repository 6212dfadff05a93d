package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"patchbay/core/internal/finding"
)

// The types of settings. Each decodes a node into itself and keeps the node, which has the position.
type (
	// setting is a single value.
	setting[T any] struct {
		node  *node
		value T
	}
	// items is a list.
	items[T any] struct {
		node *node
		list []T
	}
	// named is a mapping from names to values, in order.
	named[T any] struct {
		node *node
		list []T
	}
	// textList is one text or a list of texts.
	textList struct{ items[setting[string]] }
	// rawMapping is a mapping that is decoded later, with the schema of its adapter.
	rawMapping struct{ node *node }
	// knownKeys is embedded in the structs for mappings whose keys are known. Each field is a key.
	knownKeys struct{ node *node }
)

// decodable is a pointer to one of the types of settings.
type decodable interface {
	decode(l *loader, n *node)
}

// structure is a pointer to a struct that embeds knownKeys.
type structure interface{ setNode(n *node) }

func (k *knownKeys) setNode(n *node) { k.node = n }

// decode fills target, a pointer, from a node. It reports every value that does not fit.
func (l *loader) decode(target any, n *node) {
	if d, ok := target.(decodable); ok {
		d.decode(l, n)
		return
	}
	target.(structure).setNode(n)
	fields := fieldsOf(target)
	keys := slices.Sorted(maps.Keys(fields))
	l.expect(n, mapping, keys...)
	for name, field := range fields {
		l.decode(field, n.child(name))
	}
	for _, child := range n.children {
		if _, known := fields[child.name]; !known && n.kind == mapping {
			l.unknownKey(child, keys)
		}
	}
}

// fieldsOf returns pointers to the fields of a structure by their keys.
func fieldsOf(target any) map[string]any {
	v := reflect.ValueOf(target).Elem()
	fields := make(map[string]any, v.NumField())
	for f, fv := range v.Fields() {
		if key := f.Tag.Get("koanf"); key != "" {
			fields[key] = fv.Addr().Interface()
		}
	}
	return fields
}

// namedKeys describes the keys of mappings without a fixed set of keys, by the key of the mapping.
var namedKeys = map[string]string{
	"adapters": "the names of the adapters", "channels": "the names of the channels",
	"days": "dates, such as 2026-12-24", "set": "names of attributes", "say": "language tags and default",
}

// expect returns true if a node has the wanted kind. It reports a problem if the node has another kind, unless the
// node is absent or has no value. The problem lists the keys of a mapping.
func (l *loader) expect(n *node, want nodeKind, keys ...string) bool {
	if n.kind != want && n.kind < null {
		message := fmt.Sprintf("must be %s, not %s", want, n.kind)
		if len(keys) > 0 {
			message += "; keys: " + strings.Join(keys, ", ")
		}
		l.malformed(finding.WrongType, n, "%s", message)
	}
	return n.kind == want
}

func (s *setting[T]) decode(l *loader, n *node) {
	s.node = n
	if n.kind == absent {
		return
	}
	if v, ok := l.scalar(n, reflect.TypeFor[T]()); ok {
		s.value = v.(T)
	}
}

func (s *items[T]) decode(l *loader, n *node) {
	if s.node = n; !l.expect(n, list) {
		return
	}
	s.list = make([]T, len(n.children))
	for i, child := range n.children {
		l.decode(&s.list[i], child)
	}
}

func (s *named[T]) decode(l *loader, n *node) {
	if s.node = n; !l.expect(n, mapping, namedKeys[n.name]) {
		return
	}
	s.list = make([]T, len(n.children))
	for i, child := range n.children {
		l.decode(&s.list[i], child)
	}
}

func (s *textList) decode(l *loader, n *node) {
	if n.kind != scalar {
		s.items.decode(l, n)
		return
	}
	s.node, s.list = n, make([]setting[string], 1)
	l.decode(&s.list[0], n)
}

func (s *rawMapping) decode(_ *loader, n *node) { s.node = n }

// decode also accepts the short form of an offer: its targets without the other settings.
func (o *fileOffer) decode(l *loader, n *node) {
	if n.kind != scalar && n.kind != list {
		l.decode((*offerFields)(o), n)
		return
	}
	o.node = n
	for key, field := range fieldsOf(o) {
		l.decode(field, n.child(key))
	}
	l.decode(&o.To, n)
}

// decode also accepts the short form of a notice: one text for all languages.
func (f *fileSay) decode(l *loader, n *node) {
	if f.node = n; n.kind == mapping || n.kind == list {
		l.decode(&f.texts, n)
		return
	}
	f.texts = named[setting[nonEmpty]]{node: n, list: make([]setting[nonEmpty], 1)}
	l.decode(&f.texts.list[0], n)
}

// texts returns the values of a list.
func (s *textList) texts() []string { return values(s.list) }

func values[T any](list []setting[T]) []T {
	var out []T
	for _, s := range list {
		out = append(out, s.value)
	}
	return out
}

// scalar resolves the references of a single value and converts it to the type t.
func (l *loader) scalar(n *node, t reflect.Type) (any, bool) {
	if n.kind == null {
		l.malformed(finding.EmptyValue, n, "is empty; give it a value or leave the key out")
		return nil, false
	}
	if !l.expect(n, scalar) {
		return nil, false
	}
	switch {
	case n.resolved.secret: // set by a PATCHBAY_ variable, so it is resolved
		if fault := refusedCharacter(n.resolved.text); fault != "" {
			l.malformed(finding.UncleanValue, n, "contains %s; set it without that", fault)
			return nil, false
		}
	case n.isBelow("routes"):
		n.resolved = resolvedText{text: n.text, shown: n.text}
		if strings.Contains(n.text, "${env:") || strings.Contains(n.text, "${file:") {
			l.malformed(finding.ReferenceInRoute, n, "references are not available in routes, which contain no "+
				"secrets; write the text itself")
			return nil, false
		}
	default:
		var errs []error
		if n.resolved, errs = l.resolver.resolve(n.text); len(errs) > 0 {
			for _, err := range errs {
				l.malformed(referenceCode(err), n, "%v", err)
			}
			return nil, false
		}
		if n.resolved.unset {
			l.unset = append(l.unset, n.path())
			return nil, false
		}
	}
	v, err := convert(n, t)
	if err != nil {
		code := finding.InvalidValue
		if t == reflect.TypeFor[nonEmpty]() {
			code = finding.EmptyValue
		}
		l.malformed(code, n, "%v", err)
		return nil, false
	}
	return v, true
}
