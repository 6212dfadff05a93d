package conversationtest

import (
	"regexp"

	"patchbay/core/internal/config"
	"patchbay/sdk/envelope"
)

// keysOf are the keys of a step that need another key.
var keysOf = map[string][]string{
	"from":     {"text", "parts", "event", "sender_id", "sender_name", "sender_role", "attributes", "thread"},
	"channel":  {"calls"},
	"operator": {"to"},
}

// senderRoles are the roles of senders other than that of their channel.
var senderRoles = []string{string(envelope.RoleSystem), string(envelope.RoleBot)}

func (p *parser) step(v config.Value) Step {
	s := Step{Customer: DefaultCustomer, node: v}
	p.fields(v, map[string]func(config.Value){
		"after":       func(v config.Value) { s.After = p.duration(v) },
		"at":          func(v config.Value) { s.At = p.clock(v) },
		"customer":    p.setNonEmpty(&s.Customer),
		"from":        p.setNonEmpty(&s.From),
		"text":        p.setText(&s.Text),
		"parts":       func(v config.Value) { s.Parts = p.partTypes(v) },
		"event":       p.oneOf("event", events, &s.Event),
		"reason":      p.setNonEmpty(&s.Reason),
		"sender_id":   p.setNonEmpty(&s.SenderID),
		"sender_name": p.setNonEmpty(&s.SenderName),
		"sender_role": p.oneOf("role of a sender", senderRoles, &s.SenderRole),
		"attributes":  func(v config.Value) { s.Attributes = p.textMap(v) },
		"thread":      func(v config.Value) { s.Thread = p.number(v) },
		"channel":     p.setNonEmpty(&s.Channel),
		"calls":       p.oneOf("outcome of calls", calls, &s.Calls),
		"operator":    p.oneOf("command", commands, &s.Operator),
		"to":          p.setNonEmpty(&s.To),
		"expect":      func(v config.Value) { s.Expect = p.expect(v) },
	})
	if v.IsMapping() {
		p.checkStep(v, &s)
	}
	return s
}

func (p *parser) clock(v config.Value) *Clock {
	c, err := parseClock(p.text(v), p.zone)
	if err != nil {
		p.bad(v, "%v", err)
	}
	return c
}

func (p *parser) partTypes(v config.Value) []string {
	out := []string{}
	p.oneOrList(v, func(item config.Value) {
		var part string
		p.oneOf("type of a part", partTypes, &part)(item)
		out = append(out, part)
	})
	return out
}

// checkStep reports combinations of keys that make no sense.
func (p *parser) checkStep(v config.Value, s *Step) {
	has := map[string]config.Value{}
	for _, child := range v.Children() {
		has[child.Name()] = child
	}
	actions := 0
	for _, action := range []string{"from", "channel", "operator"} {
		if _, ok := has[action]; ok {
			if actions++; actions > 1 {
				p.bad(has[action], "a step has one action: from, channel or operator")
			}
			continue
		}
		for _, key := range keysOf[action] {
			if _, ok := has[key]; ok {
				p.bad(has[key], "needs the key %s in the same step", action)
			}
		}
	}
	if len(v.Children()) == 0 {
		p.bad(v, "the step is empty")
	}
	if _, ok := has["at"]; ok && s.After > 0 {
		p.bad(has["at"], "cannot be combined with after")
	}
	switch {
	case s.From != "" && s.Event == "" && s.Text == "" && len(s.Parts) == 0:
		p.bad(v, "a message needs a text or parts; an event needs the key event")
	case s.Event != "" && (s.Text != "" || len(s.Parts) > 0):
		p.bad(v, "an event has no text and no parts")
	case s.Channel != "" && s.Calls == "":
		p.bad(v, "the key calls is missing: the outcome of calls to the channel from now on")
	case s.Operator != "" && s.Operator != "close" && s.To == "":
		p.bad(v, "the key to is missing: the channel that the command names")
	}
	if s.Reason != "" && s.Event == "" && s.Calls != CallsDeclined {
		p.bad(has["reason"], "needs an event, or `calls: declined`")
	}
}

func (p *parser) expect(v config.Value) *Expect {
	e := &Expect{}
	p.fields(v, map[string]func(config.Value){
		"to":         func(v config.Value) { e.To = byChannel(p, v, p.matches) },
		"events":     func(v config.Value) { e.Events = byChannel(p, v, p.texts) },
		"history":    func(v config.Value) { e.History = byChannel(p, v, p.matches) },
		"notices":    func(v config.Value) { e.Notices = p.matches(v) },
		"rules":      func(v config.Value) { e.Rules = p.texts(v) },
		"owner":      p.setOptional(&e.Owner),
		"home":       p.setOptional(&e.Home),
		"offer":      p.setOptional(&e.Offer),
		"reason":     p.setOptional(&e.Reason),
		"closed":     p.setOptional(&e.Closed),
		"attributes": func(v config.Value) { e.Attributes = p.textMap(v) },
		"dead":       func(v config.Value) { e.Dead = p.dead(v) },
		"message": func(v config.Value) {
			var s string
			p.oneOf("outcome of a message", messageOutcomes, &s)(v)
			e.Message = &s
		},
	})
	return e
}

func byChannel[T any](p *parser, v config.Value, f func(config.Value) []T) map[string][]T {
	out := map[string][]T{}
	if !v.IsMapping() {
		p.bad(v, "must be a mapping from channels, not %s", v.Kind())
	}
	for _, child := range v.Children() {
		out[child.Name()] = f(child)
	}
	return out
}

// matches reads one message or a list of messages; an empty list is not nil.
func (p *parser) matches(v config.Value) []Match {
	out := []Match{}
	p.oneOrList(v, func(item config.Value) { out = append(out, p.match(item)) })
	return out
}

func (p *parser) match(v config.Value) Match {
	var m Match
	if !v.IsMapping() {
		p.setOptional(&m.Text)(v)
		return m
	}
	p.fields(v, map[string]func(config.Value){
		"text": p.setOptional(&m.Text),
		"matches": func(v config.Value) {
			var err error
			if m.Pattern, err = regexp.Compile(p.text(v)); err != nil {
				p.bad(v, "is not a regular expression (RE2): %v", err)
			}
		},
		"parts":      func(v config.Value) { m.Parts = p.partTypes(v) },
		"attributes": func(v config.Value) { m.Attributes = p.textMap(v) },
		"decision":   p.setOptional(&m.Decision),
		"rule":       p.setOptional(&m.Rule),
	})
	if m.Text != nil && m.Pattern != nil {
		p.bad(v, "a message has either text or matches")
	}
	return m
}

func (p *parser) dead(v config.Value) []Dead {
	out := []Dead{}
	p.oneOrList(v, func(item config.Value) {
		var d Dead
		if !item.IsMapping() {
			d.Channel = p.text(item)
		} else {
			p.fields(item, map[string]func(config.Value){
				"channel": p.setNonEmpty(&d.Channel), "error": p.setNonEmpty(&d.Error),
			})
		}
		out = append(out, d)
	})
	return out
}
