package config

import (
	"reflect"
	"slices"
)

// Usable says what of a channel its adapter can be asked about, although the configuration has problems.
type Usable int

// From nothing to all.
const (
	// UsableNot: no adapter is known for the channel, or its settings stand under another name.
	UsableNot Usable = iota
	// UsableSettings: the settings' form can be checked. They must not be handed to the adapter: a reference in them is
	// not resolved, or what goes with them is wrong.
	UsableSettings
	// UsableWhole: the adapter can be asked to check the channel and to take it.
	UsableWhole
)

// handedOver are the keys of a channel that its adapter gets; the others are the gateway's own.
var handedOver = []string{"adapter", "role", "path", "allow", "allow_links", "settings"}

// Usable says how much of a channel is sound. Of a configuration that loaded, everything is.
func (c *Config) Usable(channel string) Usable {
	ch, ok := c.Channel(channel)
	if !ok || !c.UsableAdapter(ch.Adapter) {
		return UsableNot
	}
	base := []string{"channels", channel}
	if c.settingsMistyped(base) {
		return UsableNot
	}
	if slices.ContainsFunc(handedOver, func(key string) bool { return c.faulty(append(base, key)...) }) {
		return UsableSettings
	}
	return UsableWhole
}

// UsableAdapter reports whether there is an adapter of this name that can be started.
func (c *Config) UsableAdapter(name string) bool {
	a, ok := c.Adapters[name]
	return ok && a.Command != "" && !c.faulty("adapters", name)
}

// faulty reports whether Load found a problem with a setting or with anything below it.
func (c *Config) faulty(path ...string) bool {
	at := dotted(path)
	return slices.ContainsFunc(c.problems, func(p Problem) bool { return within(p.Path, at) })
}

// settingsMistyped reports whether a channel has no settings but a key that nobody knows, which may be meant as settings.
func (c *Config) settingsMistyped(channel []string) bool {
	n, _, whole := c.tree.find(channel)
	if !whole || n.get("settings") != nil {
		return false
	}
	known := map[string]bool{}
	for f := range reflect.TypeFor[fileChannel]().Fields() {
		known[f.Tag.Get("koanf")] = true
	}
	return slices.ContainsFunc(n.keys, func(k key) bool { return !known[k.name] })
}
