package config

import (
	"slices"
	"strings"

	"patchbay/core/internal/finding"
	"patchbay/core/internal/route"
)

// plannedKeys are known keys that are not supported yet, by the form of their mapping.
var plannedKeys = map[string][]string{
	"":              {"nats", "tls", "telemetry", "retention"},
	"admin":         {"token", "tls"},
	"adapters.*":    {"checksum", "sha256", "limits"},
	"conversations": {"undelivered"},
}

// mistakenKeys maps keys that operators write by mistake to the right ones.
var mistakenKeys = map[string]map[string]string{
	"routes.*": {"on": "event", "true": "event", "if": "when", "condition": "when", "target": "pass",
		"events": "event"},
	"": {"rules": "routes", "routing": "routes", "plugins": "adapters", "logging": "log"},
}

// unknownKey reports a key that the configuration does not have.
func (l *loader) unknownKey(n *node, known []string) {
	form := n.parent.form()
	if slices.Contains(plannedKeys[form], n.name) {
		l.report(finding.NotSupported, n, n.keyPlace(), "", "is not supported yet")
		return
	}
	if right := mistakenKeys[form][n.name]; right != "" {
		l.report(finding.UnknownKey, n, n.keyPlace(), right, "unknown key")
		return
	}
	message, near := unknownName("key", n.name, known)
	if form == "channels.*" {
		message += "; settings of the adapter belong below settings"
	}
	l.report(finding.UnknownKey, n, n.keyPlace(), near, "%s", message)
}

// unknownName returns the problem of an unknown name: with the most similar known name as suggestion, or with all known
// names in the message.
func unknownName(kind, name string, known []string) (message, suggestion string) {
	if near := route.Closest(name, known); near != "" {
		return "unknown " + kind, near
	}
	if len(known) == 0 {
		return "unknown " + kind + "; none is possible here", ""
	}
	return "unknown " + kind + "; known are " + strings.Join(known, ", "), ""
}

// form returns the path of a mapping with * for the name of an adapter or channel and for the number of a route.
func (n *node) form() string {
	switch {
	case n.parent == nil:
		return ""
	case n.parent.parent == nil:
		return n.name
	case n.parent.parent.parent == nil && slices.Contains([]string{"adapters", "channels", "routes"}, n.parent.name):
		return n.parent.name + ".*"
	}
	return n.path()
}

// isBelow reports whether a setting belongs to a section of the file.
func (n *node) isBelow(section string) bool {
	for n.parent != nil && n.parent.parent != nil {
		n = n.parent
	}
	return n.name == section
}
