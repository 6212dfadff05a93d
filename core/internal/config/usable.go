package config

import "slices"

// Usability is the part of a channel that its adapter can validate although the configuration has problems.
type Usability int

// The degrees of usability, from the lowest.
const (
	// Unusable: the adapter is not usable, or an unknown key may be a misspelling of settings.
	Unusable Usability = iota
	// UsableSettings: the settings can be checked against the schema, but the adapter cannot validate them, because a
	// reference in them is not resolved or another key that the adapter needs is wrong.
	UsableSettings
	// UsableChannel: the adapter can validate and configure the channel.
	UsableChannel
)

// adapterKeys are the keys of a channel that its adapter gets.
var adapterKeys = []string{"adapter", "role", "path", "allow", "allow_links", "settings"}

// Usable returns the usable part of a channel. It is UsableChannel if the configuration loaded.
func (c *Config) Usable(channel string) Usability {
	ch, ok := c.Channel(channel)
	if !ok || !c.UsableAdapter(ch.Adapter) {
		return Unusable
	}
	n := c.root.find("channels", channel)
	if n.child("settings").kind == absent && hasUnknownKey(n) {
		return Unusable // the unknown key may be a misspelling of settings
	}
	unusable := func(key string) bool {
		return c.hasProblem(n.child(key)) || key != "settings" && n.child(key).hasUnset()
	}
	if slices.ContainsFunc(adapterKeys, unusable) {
		return UsableSettings
	}
	return UsableChannel
}

func hasUnknownKey(channel *node) bool {
	known := fieldsOf(&fileChannel{})
	return slices.ContainsFunc(channel.children, func(n *node) bool { return known[n.name] == nil })
}

// UsableAdapter reports whether there is an adapter of this name that can be started.
func (c *Config) UsableAdapter(name string) bool {
	a, ok := c.Adapters[name]
	return ok && a.Command != "" && !c.hasProblem(c.root.find("adapters", name))
}

// hasProblem reports whether Load found a problem with a setting or with anything below it.
func (c *Config) hasProblem(n *node) bool {
	return slices.ContainsFunc(c.problems, func(p Problem) bool { return within(p.Path, n.path()) })
}
