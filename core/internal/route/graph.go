package route

import (
	"slices"

	"patchbay/sdk/envelope"
)

// Move is an effect of a rule that moves control or the home of a conversation, or closes it.
type Move struct {
	Rule   string   `json:"rule"`
	Effect string   `json:"effect"` // pass, offer, else, home or close
	Events []Event  `json:"events"`
	From   []string `json:"from,omitempty"` // channels or roles that the events are about; empty means any
	When   string   `json:"when,omitempty"`
	// Owners are the channels that can have control when the rule matches.
	Owners []string `json:"owners"`
	// To are the channels that get control, or the new home. The channels of an offer are in its order.
	To []string `json:"to,omitempty"`
}

// Moves returns the moves of all rules, in order. It ignores an invalid condition.
func Moves(rules []Rule, ch Channels) []Move {
	lang := newLanguage(ch)
	var out []Move
	for i := range rules {
		r := withDefaults(&rules[i])
		c := &checker{rule: &r, channels: ch}
		owners := c.owners(lang)
		add := func(effect string, to ...string) {
			if to = slices.DeleteFunc(to, func(s string) bool { return s == "" }); len(to) > 0 || effect == "close" {
				out = append(out, Move{Rule: r.Name, Effect: effect, Events: r.Events, From: r.From, When: r.When,
					Owners: owners, To: to})
			}
		}
		add("home", r.Home)
		add("pass", r.Pass)
		if r.Offer != nil {
			add("offer", r.Offer.To...)
			add("else", r.Offer.Else)
		}
		if r.Close {
			add("close")
		}
	}
	return out
}

// owners returns the channels that can own a conversation when the rule matches, sorted.
func (c *checker) owners(lang *language) []string {
	uses := map[string][]string{}
	var when *condition
	if c.rule.When != "" {
		if when, _ = lang.compile(c.rule.When); when != nil {
			uses = comparedTexts(when.root)
		}
	}
	uses["owner"] = nil
	cases, ok := c.assumptions(uses)
	var out []string
	if !ok {
		for name, role := range c.channels {
			if role == envelope.RoleBot || role == envelope.RoleAgent {
				out = append(out, name)
			}
		}
	}
	for _, a := range cases {
		if when == nil || a.eval(when.root) != never {
			out = append(out, a["owner"])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
