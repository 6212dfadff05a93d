package config

import (
	"slices"
	"strconv"

	"patchbay/core/internal/finding"
)

// Difference lists the names of entries in which two configurations differ.
type Difference struct {
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
}

// Changes are the differences between two configurations that loaded.
type Changes struct {
	Adapters Difference `json:"adapters"`
	Channels Difference `json:"channels"`
	Routes   Difference `json:"routes"`
	Order    bool       `json:"routes_reordered,omitempty"` // the routes that are in both have another order
	Settings []string   `json:"settings,omitempty"`         // paths of other settings
}

// replaceable are the settings that a running gateway can change.
var replaceable = []string{"adapters", "channels", "conversations", "limits", "routes", "shutdown"}

// Changes returns the differences between c and the configuration that replaces it.
func (c *Config) Changes(next *Config) Changes {
	out := Changes{
		Adapters: compare(c.root.child("adapters").children, next.root.child("adapters").children),
		Channels: compare(c.root.child("channels").children, next.root.child("channels").children),
	}
	before, after := c.routeNodes(), next.routeNodes()
	out.Routes = compare(before, after)
	missingIn := func(other []*node) func(*node) bool {
		return func(n *node) bool { return !slices.ContainsFunc(other, isEntry(entryName(n))) }
	}
	out.Order = !slices.EqualFunc(slices.DeleteFunc(slices.Clone(before), missingIn(after)),
		slices.DeleteFunc(slices.Clone(after), missingIn(before)),
		func(a, b *node) bool { return entryName(a) == entryName(b) })
	for _, name := range []string{"conversations", "limits", "shutdown"} {
		for _, n := range differences(c.root.child(name), next.root.child(name)) {
			out.Settings = append(out.Settings, n.path())
		}
	}
	return out
}

// NeedRestart returns a problem for each setting of next that differs from c and that a running gateway cannot change.
func (c *Config) NeedRestart(next *Config) []Problem {
	var out []Problem
	report := func(n *node, message string) {
		out = append(out, next.source.addExcerpt(n.problem(finding.NeedsRestart, message)))
	}
	var names []string
	for _, n := range slices.Concat(c.root.children, next.root.children) {
		if !slices.Contains(replaceable, n.name) && !slices.Contains(names, n.name) {
			names = append(names, n.name)
		}
	}
	for _, name := range names {
		for _, n := range differences(c.root.child(name), next.root.child(name)) {
			report(n, "cannot change while the gateway runs; restart the gateway, or set the former value again")
		}
	}
	for i := range next.Channels {
		ch := &next.Channels[i]
		if former, ok := c.Channel(ch.Name); ok && former.Role != ch.Role {
			report(next.root.find("channels", ch.Name, "role"), "the role of a channel cannot change while the gateway "+
				"runs; give the channel another name, or restart the gateway")
		}
	}
	SortProblems(out)
	return out
}

// SameAdapter reports whether an adapter has the same program and the same channels in both configurations, and whether
// the channels have the same settings for it. References are compared by their values.
func (c *Config) SameAdapter(next *Config, name string) bool {
	a, b := c.root.find("adapters", name), next.root.find("adapters", name)
	if a.kind == absent || !equal(a, b) {
		return false
	}
	channels := func(cfg *Config) (out []string) {
		for i := range cfg.Channels {
			if cfg.Channels[i].Adapter == name {
				out = append(out, cfg.Channels[i].Name)
			}
		}
		return out
	}
	former := channels(c)
	if !slices.Equal(former, channels(next)) {
		return false
	}
	return !slices.ContainsFunc(former, func(ch string) bool { return !c.SameSettings(next, ch) })
}

// SameSettings reports whether the adapter of a channel gets the same settings for it in both configurations.
// References are compared by their values.
func (c *Config) SameSettings(next *Config, channel string) bool {
	return !slices.ContainsFunc(adapterKeys, func(key string) bool {
		return !equal(c.root.find("channels", channel, key), next.root.find("channels", channel, key))
	})
}

func (c *Config) routeNodes() []*node { return c.root.child("routes").children }

// entryName returns the name of an adapter, a channel or a route.
func entryName(n *node) string {
	if _, err := strconv.Atoi(n.name); err == nil {
		return n.child("name").value()
	}
	return n.name
}

func isEntry(name string) func(*node) bool { return func(n *node) bool { return entryName(n) == name } }

func compare(before, after []*node) Difference {
	var out Difference
	for _, n := range after {
		i := slices.IndexFunc(before, isEntry(entryName(n)))
		switch {
		case i < 0:
			out.Added = append(out.Added, entryName(n))
		case !equal(before[i], n):
			out.Changed = append(out.Changed, entryName(n))
		}
	}
	for _, n := range before {
		if !slices.ContainsFunc(after, isEntry(entryName(n))) {
			out.Removed = append(out.Removed, entryName(n))
		}
	}
	return out
}

// value returns the text of a scalar with its references resolved.
func (n *node) value() string {
	if n.resolved.secret {
		return n.resolved.text
	}
	return n.text
}

// differences returns the settings below b whose values differ from those below a. For a setting that only a has, it
// returns an absent node of b.
func differences(a, b *node) []*node {
	if a.kind != mapping || b.kind != mapping {
		if equal(a, b) {
			return nil
		}
		return []*node{b}
	}
	var out []*node
	for _, child := range b.children {
		out = append(out, differences(a.child(child.name), child)...)
	}
	for _, child := range a.children {
		if b.child(child.name).kind == absent {
			out = append(out, b.child(child.name))
		}
	}
	return out
}

// equal reports whether two nodes have the same value. The order of a mapping does not matter.
func equal(a, b *node) bool {
	if a.kind != b.kind || len(a.children) != len(b.children) {
		return false
	}
	if a.kind == scalar {
		sameType := a.yaml == nil || b.yaml == nil || a.isText() == b.isText()
		return sameType && a.value() == b.value()
	}
	return !slices.ContainsFunc(a.children, func(child *node) bool { return !equal(child, b.child(child.name)) })
}
