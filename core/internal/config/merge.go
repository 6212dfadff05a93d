package config

import (
	"errors"
	"maps"
	"slices"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"

	"patchbay/core/internal/finding"
)

// delimiter separates keys inside koanf. It is not a dot, because keys can contain dots. The reader refuses keys that
// contain the delimiter.
const delimiter = "\x1f"

// leaf is a setting inside koanf. It is a function because koanf copies everything else by reflection.
type leaf func() *node

// merge adds the defaults to the file's settings, and replaces those that the environment sets.
func (l *loader) merge() bool {
	ko := koanf.New(delimiter)
	load := func(values map[string]any) error { return ko.Load(confmap.Provider(values, ""), nil) }
	err := load(leaves(parseDefaults(defaults)))
	for _, ch := range l.root.child("channels").children {
		if ch.kind == mapping || ch.kind == null {
			settings := leaves(parseDefaults(channelDefaults))
			err = errors.Join(err, load(map[string]any{"channels": map[string]any{ch.name: settings}}))
		}
	}
	err = errors.Join(err, load(leaves(l.root)), ko.Load(l.environment(), nil))
	if err != nil {
		l.report(finding.WrongType, l.root, Position{File: l.opts.Path}, "",
			"cannot be merged with the defaults and the environment")
		return false
	}
	overlay(l.root, ko.Raw())
	return true
}

// leaves returns the settings of a mapping in the form for koanf. It leaves out keys without a value, so that their
// defaults apply.
func leaves(n *node) map[string]any {
	out := map[string]any{}
	for _, child := range n.children {
		switch child.kind {
		case null:
		case mapping:
			out[child.name] = leaves(child)
		default:
			out[child.name] = leaf(func() *node { return child })
		}
	}
	return out
}

// overlay adds the defaults and the environment's settings, as merged by koanf, to a mapping of the file.
func overlay(n *node, merged map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		have := n.child(name)
		switch v := merged[name].(type) {
		case map[string]any:
			if have.kind == absent {
				n.add(have)
			}
			if have.kind >= null {
				have.kind = mapping
			}
			if have.kind == mapping {
				overlay(have, v)
			}
		case leaf:
			from := v()
			if from == have || from.initial && have.kind != absent {
				continue
			}
			added := *from
			added.name, added.parent = name, n
			if from.initial {
				added.at = n.place()
			}
			n.replace(&added)
		}
	}
}
