package config

import (
	"maps"
	"slices"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// delimiter separates keys inside koanf. It is not a dot, because keys can contain dots. The reader refuses keys that
// contain the delimiter.
const delimiter = "\x1f"

// leaf is a setting inside koanf. It is a function because koanf copies everything else by reflection.
type leaf func() *node

// merge adds the defaults to the file's settings, and replaces the settings that the environment sets.
func (l *loader) merge() {
	ko := koanf.New(delimiter)
	load := func(p koanf.Provider) { _ = ko.Load(p, nil) } // fails only if a provider does, and these do not
	loadMap := func(values map[string]any) { load(confmap.Provider(values, "")) }
	loadMap(leaves(parseDefaults(defaults)))
	for _, ch := range l.root.child("channels").children {
		if ch.kind == mapping || ch.kind == null {
			settings := leaves(parseDefaults(channelDefaults))
			loadMap(map[string]any{"channels": map[string]any{ch.name: settings}})
		}
	}
	loadMap(leaves(l.root))
	load(l.environment())
	overlay(l.root, ko.Raw())
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
			if from == have || from.isDefault && have.kind != absent {
				continue
			}
			added := *from
			added.name, added.parent = name, n
			if from.isDefault {
				added.at = n.place()
			}
			n.replace(&added)
		}
	}
}
