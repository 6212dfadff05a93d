package adaptertest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

// checkSettings examines how wrong settings are reported.
func checkSettings(x *exam) {
	good := x.assert("settings.good", "the exam's own settings are right")
	ps, err := x.validate(x.channelConfig(x.settings))
	if good.check(err == nil, "%v", err) {
		for _, p := range ps {
			good.check(p.GetWarning(), "%s: %s; correct exam.yaml, or what Validate says", p.GetPath(), p.GetMessage())
		}
		for _, v := range x.schema.violations(x.settings) {
			good.failf("the schema refuses %q of the exam's settings", v)
		}
		good.check(true, "")
	}
	x.checkUnknownKey()
	x.checkWrongTypes()
	x.checkMissing()
	x.checkRole()
	a := x.assert("settings.no-network", "Describe, Validate and Configure do not touch the network")
	n := x.vendor.conns.Load()
	if a.check(x.freshly(), "the adapter could not be started again") {
		a.check(x.vendor.conns.Load() == n,
			"the vendor was called: `patchbay check` runs where no network is; leave it to the first Deliver")
	}
}

// freshly starts a new process, which describes itself and is configured, and validates once.
func (x *exam) freshly() bool {
	if x.restart() != nil {
		return false
	}
	_, err := x.validate(x.channelConfig(x.settings))
	return err == nil
}

const unknownKey = "exam_unknown_key"

func (x *exam) checkUnknownKey() {
	a := x.assert("settings.unknown", "an unknown key is a problem that names it")
	paths := []string{unknownKey}
	x.schema.root.walk("", func(path string, n *node) {
		if len(n.Properties) > 0 {
			paths = append(paths, path+"."+unknownKey)
		}
	})
	for _, p := range paths {
		x.expectProblem(a, withSetting(x.settings, p, "x"), p, "an unknown key", "set additionalProperties to false, or report it")
	}
}

func (x *exam) checkWrongTypes() {
	a := x.assert("settings.types", "a value of a wrong type is a problem that names it")
	x.schema.root.walk("", func(path string, n *node) {
		if wrong, ok := wrongValue(n); ok {
			x.expectProblem(a, withSetting(x.settings, path, wrong), path, fmt.Sprintf("the value %v", shown(wrong)), "check its type")
		}
	})
	a.skip("there are no settings")
}

// wrongValue is a value that does not fit a setting.
func wrongValue(n *node) (any, bool) {
	switch n.Type {
	case "":
		return nil, false
	case "string":
		return []any{1}, true
	}
	return "exam", true // for numbers, booleans, arrays, objects
}

func (x *exam) checkMissing() {
	a := x.assert("settings.required", "a required setting that is missing is a problem that names it")
	var check func(path string, n *node)
	check = func(path string, n *node) {
		for _, name := range n.Required {
			p := joined(path, name)
			x.expectProblem(a, withSetting(x.settings, p, nil), p, "to leave it out", "list it in the schema's required")
		}
		for name, inner := range n.Properties {
			if _, there := setting(x.settings, joined(path, name)); there {
				check(joined(path, name), inner)
			}
		}
	}
	check("", x.schema.root)
	a.skip("no setting is required")
}

// expectProblem checks that a problem about path is found in settings, by the schema or by the adapter.
func (x *exam) expectProblem(a *Assertion, settings map[string]any, path, what, todo string) {
	ps, err := x.validate(x.channelConfig(settings))
	if !a.check(err == nil, "%s: Validate does not answer: %v", path, err) {
		_ = x.revive()
		return
	}
	about := x.schema.violations(settings)
	for _, p := range ps {
		if !p.GetWarning() {
			about = append(about, p.GetPath())
		}
	}
	found := slices.ContainsFunc(about, func(p string) bool {
		return p == path || strings.HasPrefix(p, path+".") || p != "" && strings.HasPrefix(path, p+".")
	})
	a.check(found, "setting %s: %s is not reported with that path: %s (reported: %q)", path, what, todo, about)
}

func (x *exam) checkRole() {
	a := x.assert("settings.role", "a role that it can't play is a problem")
	for _, r := range append(slices.Clone(roles), envelope.Role("nobody")) {
		if slices.Contains(x.desc.GetRoles(), string(r)) {
			continue
		}
		c := x.channelConfig(x.settings)
		c.Role = string(r)
		ps, err := x.validate(c)
		if !a.check(err == nil, "role %s: Validate does not answer: %v", r, err) {
			_ = x.revive()
			continue
		}
		found := false
		for _, p := range ps {
			found = found || p.GetPath() == "role" && !p.GetWarning()
		}
		a.check(found || x.refusesRole(c),
			`role %s is not among its roles, and neither Validate nor Configure refuses it: report a problem `+
				`with path "role"`, r)
	}
}

// refusesRole reports whether Configure refuses a channel, under another name, because of its role.
func (x *exam) refusesRole(c *pluginpb.ChannelConfig) bool {
	c.Name += "-in-another-role"
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	resp, err := x.prog.rpc.Configure(ctx, &pluginpb.ConfigureRequest{Channel: c})
	return err == nil && resp.GetError().GetField() == "role"
}
