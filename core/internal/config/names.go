package config

import (
	"slices"

	"patchbay/core/internal/finding"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// CheckNames returns warnings of attributes and reasons in rules that neither a rule nor an adapter declares.
func (c *Config) CheckNames(declared route.Declared) []Problem {
	if c.Table == nil {
		return nil
	}
	var out []Problem
	for _, p := range c.Table.CheckNames(declared, c.Roles()) {
		field := fieldOf(c.root.child("routes").children[p.Index], p.Field)
		out = append(out, Problem{Code: p.Code, Position: c.source.positionInside(field, p.Line, p.Column),
			Path: field.path(), Message: p.Message, Suggestion: p.Suggestion})
	}
	return c.source.addExcerpts(tidy(out))
}

// checkUnused warns of adapters without a channel, and of channels that never get a message.
func (l *loader) checkUnused(c *Config, f *fileConfig) {
	if len(l.problems) > 0 {
		return // a channel may be unused because its name is misspelled where it is used
	}
	unused := func(code finding.Code, n *node, message string) {
		l.warnings = append(l.warnings, Problem{Code: code, Position: n.keyPlace(), Path: n.path(), Message: message})
	}
	for i := range f.Adapters.list {
		n := f.Adapters.list[i].node
		if !slices.ContainsFunc(c.Channels, func(ch Channel) bool { return ch.Adapter == n.name }) {
			unused(finding.UnusedAdapter, n, "no channel uses this adapter, so it is not started")
		}
	}
	isCustomer := func(ch Channel) bool { return ch.Role == envelope.RoleCustomer }
	if !slices.ContainsFunc(c.Channels, isCustomer) {
		return // the configuration is not complete
	}
	used := c.usedChannels()
	for i := range c.Channels {
		ch, n := &c.Channels[i], f.Channels.list[i].node
		switch {
		case ch.Role == envelope.RoleCustomer || slices.Contains(used, ch.Name):
		case ch.Role == envelope.RoleObserver:
			unused(finding.UnusedChannel, n, "no rule copies messages to this channel")
		default:
			unused(finding.UnusedChannel, n, "this channel is no owner, and no rule moves control to it")
		}
	}
}

// usedChannels returns the channels that own conversations at first or that rules name as targets.
func (c *Config) usedChannels() []string {
	var used []string
	for i := range c.Channels {
		used = append(used, c.Channels[i].Owner)
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		used = append(append(used, r.Home, r.Pass), r.Copy...)
		if r.Offer != nil {
			used = append(append(used, r.Offer.Else), r.Offer.To...)
		}
	}
	return used
}
