package conversationtest

import (
	"slices"

	"patchbay/core/internal/config"
)

// CheckNames returns a problem for each name of a channel or rule that the configuration does not have.
func (f *File) CheckNames(channels, rules []string) []config.Problem {
	n := &nameChecker{channels: channels, rules: rules}
	for i := range f.Tests {
		for j := range f.Tests[i].Steps {
			n.step(f.Tests[i].Steps[j].node)
		}
	}
	return n.problems
}

type nameChecker struct {
	channels, rules []string
	problems        []config.Problem
}

// name reports a value that is none of the known names. The value "" means none.
func (n *nameChecker) name(kind string, known []string, v config.Value) {
	if v.IsText() && v.Text() != "" && !slices.Contains(known, v.Text()) {
		n.problems = append(n.problems, v.UnknownName(kind, known))
	}
}

func (n *nameChecker) channel(v config.Value) { n.name("channel", n.channels, v) }

// keys reports keys of a mapping that are no channels.
func (n *nameChecker) keys(v config.Value) {
	for _, child := range v.Children() {
		if !slices.Contains(n.channels, child.Name()) {
			p := child.UnknownKey(n.channels)
			if p.Message == "unknown key" {
				p.Message = "unknown channel"
			}
			n.problems = append(n.problems, p)
		}
	}
}

func (n *nameChecker) step(v config.Value) {
	for _, child := range v.Children() {
		switch child.Name() {
		case "from", "channel":
			n.channel(child)
		case "to":
			n.name("channel", append([]string{"home"}, n.channels...), child)
		case "expect":
			n.expect(child)
		}
	}
}

func (n *nameChecker) expect(v config.Value) {
	for _, child := range v.Children() {
		switch child.Name() {
		case "to", "events", "history":
			n.keys(child)
		case "owner", "home", "offer":
			n.channel(child)
		case "rules":
			n.rule(child)
			for _, item := range child.Children() {
				n.rule(item)
			}
		case "dead":
			n.dead(child)
		}
	}
}

func (n *nameChecker) rule(v config.Value) { n.name("rule", n.rules, v) }

func (n *nameChecker) dead(v config.Value) {
	items := []config.Value{v}
	if v.IsList() {
		items = v.Children()
	}
	for _, item := range items {
		n.channel(item)
		for _, child := range item.Children() {
			if child.Name() == "channel" {
				n.channel(child)
			}
		}
	}
}
