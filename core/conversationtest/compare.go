package conversationtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Compare returns the differences between expectation and observation, one text each.
func (e *Expect) Compare(o *Observed) []string {
	if e == nil {
		return nil
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, channel := range slices.Sorted(maps.Keys(e.To)) {
		if want, got := e.To[channel], o.To[channel]; !allMatch(want, got) {
			add("%s got %s, want %s", channel, showMessages(got), showMatches(want))
		}
	}
	for _, channel := range slices.Sorted(maps.Keys(e.Events)) {
		if want, got := e.Events[channel], o.Events[channel]; !slices.Equal(want, got) {
			add("%s got the events %s, want %s", channel, showTexts(got), showTexts(want))
		}
	}
	for _, channel := range slices.Sorted(maps.Keys(e.History)) {
		want, got := e.History[channel], messagesOf(o.History[channel])
		if !allMatch(want, got) {
			add("%s got the history %s, want %s", channel, showMessages(got), showMatches(want))
		}
	}
	if got := messagesOf(o.Notices); e.Notices != nil && !allMatch(e.Notices, got) {
		add("the notices are %s, want %s", showMessages(got), showMatches(e.Notices))
	}
	if e.Rules != nil && !slices.Equal(e.Rules, o.Rules) {
		add("the matching rules are %s, want %s", showTexts(o.Rules), showTexts(e.Rules))
	}
	for _, s := range []struct {
		name string
		want *string
		got  string
	}{
		{"owner", e.Owner, o.Owner}, {"home", e.Home, o.Home}, {"offer", e.Offer, o.Offer},
		{"reason", e.Reason, o.Reason}, {"message", e.Message, o.Message}, {"closed", e.Closed, o.Closed},
	} {
		if s.want != nil && *s.want != s.got {
			add("%s is %q, want %q", s.name, s.got, *s.want)
		}
	}
	out = append(out, compareAttributes("", e.Attributes, o.Attributes)...)
	if e.Dead != nil && !slices.EqualFunc(e.Dead, o.Dead, Dead.matches) {
		add("the dead letters are %v, want %v", o.Dead, e.Dead)
	}
	return out
}

func compareAttributes(of string, want, got map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			out = append(out, fmt.Sprintf("%sattribute %s is %q, want %q", of, name, got[name], want[name]))
		}
	}
	return out
}

func (d Dead) matches(got Dead) bool {
	return d.Channel == got.Channel && (d.Error == "" || d.Error == got.Error)
}

// String returns the channel and the error.
func (d Dead) String() string { return strings.TrimSpace(d.Channel + " " + d.Error) }

func messagesOf(texts []string) []Message {
	out := make([]Message, len(texts))
	for i, text := range texts {
		out[i].Text = text
	}
	return out
}

func allMatch(want []Match, got []Message) bool {
	return slices.EqualFunc(want, got, func(m Match, g Message) bool { return m.matches(&g) })
}

func (m *Match) matches(g *Message) bool {
	return (m.Text == nil || *m.Text == g.Text) && (m.Pattern == nil || m.Pattern.MatchString(g.Text)) &&
		(m.Decision == nil || *m.Decision == g.Decision) && (m.Rule == nil || *m.Rule == g.Rule) &&
		(m.Parts == nil || slices.Equal(m.Parts, g.Parts)) && len(compareAttributes("", m.Attributes, g.Attributes)) == 0
}

func (m *Match) String() string {
	var out []string
	switch {
	case m.Text != nil:
		out = append(out, fmt.Sprintf("%q", *m.Text))
	case m.Pattern != nil:
		out = append(out, fmt.Sprintf("a text that matches %q", m.Pattern))
	}
	if m.Parts != nil {
		out = append(out, "parts "+showTexts(m.Parts))
	}
	if m.Decision != nil {
		out = append(out, "decision "+*m.Decision)
	}
	if m.Rule != nil {
		out = append(out, "rule "+*m.Rule)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		out = append(out, fmt.Sprintf("attribute %s %q", name, m.Attributes[name]))
	}
	return strings.Join(out, " with ")
}

func showMatches(list []Match) string {
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].String()
	}
	return showList(texts)
}

func showMessages(list []Message) string {
	texts := make([]string, len(list))
	for i, g := range list {
		texts[i] = fmt.Sprintf("%q", g.Text)
		if len(g.Parts) > 0 {
			texts[i] += " with parts " + showTexts(g.Parts)
		}
		if g.Decision != "" {
			texts[i] += fmt.Sprintf(" with decision %s with rule %s", g.Decision, g.Rule)
		}
	}
	return showList(texts)
}

func showTexts(list []string) string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = fmt.Sprintf("%q", s)
	}
	return showList(texts)
}

func showList(texts []string) string {
	if len(texts) == 0 {
		return "nothing"
	}
	return strings.Join(texts, ", ")
}
