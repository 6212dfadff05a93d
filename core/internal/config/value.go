package config

import (
	"cmp"
	"slices"
)

// Value is a value, with its position, of a YAML file other than the configuration, such as a file of conversation
// tests. Aliases and merge keys are resolved.
type Value struct{ n *node }

// ReadYAML reads a file by the rules of configurations: one document, which is a mapping, limited in size and depth. If
// there are problems, the value contains the part of the file that could be read.
func ReadYAML(path string, data []byte) (Value, []Problem) {
	var problems []Problem
	r := &reader{file: path, problems: &problems}
	root := r.read(data)
	if root == nil {
		root = &node{kind: mapping, at: Position{path, 1, 1}}
	}
	return Value{root}, problems
}

// IsText reports whether the value is a single value.
func (v Value) IsText() bool { return v.n.kind == scalar }

// IsList reports whether the value is a list.
func (v Value) IsList() bool { return v.n.kind == list }

// IsMapping reports whether the value is a mapping.
func (v Value) IsMapping() bool { return v.n.kind == mapping }

// Kind describes the form of the value, for problems.
func (v Value) Kind() string { return v.n.kind.String() }

// Name returns the key of the value in its mapping, or its number in its list.
func (v Value) Name() string { return v.n.name }

// Text returns the text of a single value.
func (v Value) Text() string { return v.n.text }

// Children returns the members of a list or mapping, in order.
func (v Value) Children() []Value {
	out := make([]Value, len(v.n.children))
	for i, child := range v.n.children {
		out[i] = Value{child}
	}
	return out
}

// Position returns the position of the value.
func (v Value) Position() Position { return v.n.at }

// Problem returns a problem with the value. It has no code.
func (v Value) Problem(message string) Problem { return v.n.problem("", message) }

// UnknownKey returns the problem that the key of the value is none of the known ones.
func (v Value) UnknownKey(known []string) Problem {
	p := v.UnknownName("key", known)
	p.Position = v.n.keyPlace()
	return p
}

// UnknownName returns the problem that the value, or the key of a list or mapping, is none of the known names.
func (v Value) UnknownName(kind string, known []string) Problem {
	name := v.n.name
	if v.n.kind == scalar && kind != "key" {
		name = v.n.text
	}
	known = slices.Clone(known)
	slices.SortFunc(known, cmp.Compare[string])
	p := Problem{Position: v.n.place(), Path: v.n.path()}
	p.Message, p.Suggestion = unknownName(kind, name, known)
	return p
}
