package config

import (
	"net/url"
	"strings"
	"unicode"

	"patchbay/core/internal/finding"
	"patchbay/sdk/settings"
)

// Secrets returns the values of the references that adapters get: in their arguments and environment, and in the
// channels' settings. It leaves out the addresses of servers, such as http://127.0.0.1:8070, because errors must show
// them.
func (c *Config) Secrets() []string {
	var out []string
	for name := range c.Adapters {
		out = append(out, referenceValues(c.root.find("adapters", name, "args"))...)
		out = append(out, referenceValues(c.root.find("adapters", name, "env"))...)
	}
	for _, ch := range c.Channels {
		out = append(out, referenceValues(c.root.find("channels", ch.Name, "settings"))...)
	}
	return out
}

func referenceValues(n *node) []string {
	var out []string
	for _, v := range n.resolved.values {
		if !isServerAddress(v) {
			out = append(out, v)
		}
	}
	for _, child := range n.children {
		out = append(out, referenceValues(child)...)
	}
	return out
}

// isServerAddress reports whether a text is the URL of a server, without a user, a path and a query.
func isServerAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		strings.TrimSuffix(s, "/") == u.Scheme+"://"+u.Host
}

// checkSecrets returns a problem for each secret setting with a character that no secret has. The values of references
// are checked when they are resolved.
func checkSecrets(n *node, s *settings.Schema, secret bool) []Problem {
	secret = secret || s != nil && s.Secret
	var out []Problem
	for _, child := range n.children {
		member := s.Property(child.name)
		if n.kind == list {
			member = s.Item()
		}
		out = append(out, checkSecrets(child, member, secret)...)
	}
	if fault := refusedCharacter(n.resolved.text); n.kind == scalar && secret && fault != "" {
		out = append(out, n.problem(finding.UncleanValue, "contains "+fault+", which no secret has; copy it again"))
	}
	return out
}

// refusedCharacter describes the first character of a text that is not possible in a secret or a single line. It
// returns "" if there is none.
func refusedCharacter(s string) string {
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			return "a line end"
		case r == '\ufeff':
			return "a byte order mark"
		case unicode.IsControl(r):
			return "a control character"
		}
	}
	return ""
}
