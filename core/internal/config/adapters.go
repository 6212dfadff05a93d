package config

import (
	"slices"
	"strings"

	"patchbay/core/internal/finding"
	"patchbay/core/internal/route"
)

func (l *loader) adapters(c *Config, f *named[fileAdapter]) {
	c.Adapters = make(map[string]Adapter, len(f.list))
	for i := range f.list {
		a := &f.list[i]
		name := a.node.name
		l.checkSlug(a.node)
		out := Adapter{Name: name, Command: a.Command.value, Args: values(a.Args.list), Env: values(a.Env.list)}
		out.Env = slices.DeleteFunc(out.Env, func(e string) bool { return e == "" }) // see NoSecrets
		switch {
		case out.Command == "":
			l.bad(finding.MissingKey, a.Command.node, "missing; set it to the plugin's program, such as bin/%s", name)
		case strings.Contains(out.Command, " -"):
			l.bad(finding.InvalidValue, a.Command.node, "must be the program alone; its arguments belong to args, as a list")
		case strings.Contains(out.Command, "/"):
			out.Command = l.filePath(out.Command)
		}
		for _, e := range a.Env.list {
			key, _, ok := strings.Cut(e.value, "=")
			l.require(ok && isVariableName(key), e.node, "must be NAME=value; the value can be a reference ${env:NAME}")
		}
		c.Adapters[name] = out
	}
	if len(f.list) == 0 {
		l.bad(finding.MissingKey, f.node, "missing; name at least one plugin program")
	}
}

// checkSlug checks the name of an adapter or channel.
func (l *loader) checkSlug(n *node) {
	if !route.Slug.MatchString(n.name) || len(n.name) > route.MaxName {
		l.report(finding.InvalidName, n, n.keyPlace(), "",
			"a name has lower-case letters, digits and hyphens, begins with a letter and "+
				"has at most %d characters", route.MaxName)
	}
}
