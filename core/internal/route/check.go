package route

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"patchbay/sdk/envelope"
)

// Slug matches the names of rules and channels: lower-case letters, digits and single hyphens, beginning with a letter.
// A name has at most MaxName characters.
var Slug = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// MaxName bounds a name, in characters.
const MaxName = 63

// maxWithin bounds an offer: a customer does not wait longer than a day.
const maxWithin = 24 * time.Hour

var roles = []string{
	string(envelope.RoleCustomer), string(envelope.RoleBot), string(envelope.RoleAgent), string(envelope.RoleObserver),
}

var events = []string{
	string(EventMessage), string(EventOpened), string(EventConnected), string(EventDisconnected),
	string(EventHandoverRequested), string(EventPassed), string(EventClosed), string(EventOfferFailed),
	string(EventIdle), string(EventUnanswered), string(EventDeliveryFailed),
}

var supported = map[Event]bool{
	EventMessage: true, EventOpened: true, EventConnected: true, EventDisconnected: true,
	EventHandoverRequested: true, EventPassed: true, EventOfferFailed: true,
}

// checker collects the problems of one rule.
type checker struct {
	index    int
	rule     *Rule
	channels Channels
	problems []Problem
}

func (c *checker) add(p Problem) {
	p.Index, p.Rule = c.index, c.rule.Name
	c.problems = append(c.problems, p)
}

func (c *checker) bad(field, suggestion, format string, args ...any) {
	c.add(Problem{Field: field, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

func (c *checker) warn(field, format string, args ...any) {
	c.add(Problem{Severity: Warning, Field: field, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) check() {
	c.checkName()
	c.checkEvents()
	c.checkFrom()
	c.checkAttributes()
	c.checkTargets()
	c.checkSay()
	c.checkCombination()
	c.checkMessageOnly()
}

func (c *checker) checkName() {
	switch name := c.rule.Name; {
	case name == "":
		c.bad("name", "", "missing; it identifies the rule in metrics and traces")
	case !Slug.MatchString(name) || len(name) > MaxName:
		c.bad("name", "", "%q must consist of lower-case letters, digits and hyphens, at most %d characters", name,
			MaxName)
	}
}

func (c *checker) checkEvents() {
	for i, e := range c.rule.Events {
		field := listField("event", i, len(c.rule.Events))
		switch {
		case !slices.Contains(events, string(e)):
			c.bad(field, Closest(string(e), events), "there is no event %q; events are %s", e,
				strings.Join(events, ", "))
		case !supported[e]:
			c.bad(field, "", "event %q is not supported yet", e)
		case slices.Contains(c.rule.Events[:i], e):
			c.bad(field, "", "event %q is listed twice", e)
		}
	}
}

func (c *checker) checkFrom() {
	for i, who := range c.rule.From {
		field := listField("from", i, len(c.rule.From))
		_, isChannel := c.channels[who]
		switch {
		case !isChannel && !slices.Contains(roles, who):
			c.bad(field, Closest(who, append(c.channels.Names(), roles...)), "there is no channel or role %q", who)
		case slices.Contains(c.rule.From[:i], who):
			c.bad(field, "", "%q is listed twice", who)
		}
	}
	for _, e := range c.rule.Events {
		if who := c.subjectRoles(e); who != nil && !c.fromAny(who...) {
			c.warn("from", "never matches: event %q is about a channel of role %s", e, joinRoles(who))
		}
	}
}

// subjectRoles returns the roles that the channel of an event can have, nil for any.
func (c *checker) subjectRoles(e Event) []envelope.Role {
	switch e {
	case EventOpened:
		return []envelope.Role{envelope.RoleCustomer}
	case EventOfferFailed:
		return []envelope.Role{envelope.RoleBot, envelope.RoleAgent}
	}
	return nil
}

// fromAny reports whether `from` admits one of the roles.
func (c *checker) fromAny(among ...envelope.Role) bool {
	if len(c.rule.From) == 0 {
		return true
	}
	for _, who := range c.rule.From {
		role, isChannel := c.channels[who]
		if !isChannel {
			role = envelope.Role(who)
		}
		if role == "" || slices.Contains(among, role) {
			return true
		}
	}
	return false
}

func (c *checker) checkAttributes() {
	for key, value := range c.rule.Set {
		field := "set." + key
		if _, bad := controlCharacter(key); key == "" || bad {
			c.bad("set", "", "an attribute's name is empty or contains control characters")
		} else if strings.Contains(key, ".") {
			c.bad(field, strings.ReplaceAll(key, ".", "_"), "names with a dot are reserved for adapters")
		} else if len(key)+len(value) > envelope.MaxAttributeBytes {
			c.bad(field, "", "has %d bytes with the name, at most %d are possible", len(key)+len(value),
				envelope.MaxAttributeBytes)
		}
	}
	if len(c.rule.Set) > envelope.MaxAttributes {
		c.bad("set", "", "has %d attributes, at most %d are possible", len(c.rule.Set), envelope.MaxAttributes)
	}
}

func (c *checker) checkTargets() {
	r := c.rule
	if r.Home != "" {
		c.target("home", r.Home, false, envelope.RoleBot, envelope.RoleAgent)
	}
	if r.Pass != "" {
		c.target("pass", r.Pass, true, envelope.RoleBot, envelope.RoleAgent)
	}
	for i, name := range r.Copy {
		field := listField("copy", i, len(r.Copy))
		c.target(field, name, false, envelope.RoleObserver)
		if slices.Contains(r.Copy[:i], name) {
			c.bad(field, "", "%q is listed twice", name)
		}
	}
	if r.Offer != nil {
		c.checkOffer(r.Offer)
	}
	if r.To != "" && r.To != ToOwner && r.To != ToCustomer {
		c.bad("to", Closest(r.To, []string{ToOwner, ToCustomer}), "must be %s or %s, not %q", ToOwner, ToCustomer, r.To)
	}
}

func (c *checker) checkOffer(o *Offer) {
	if len(o.To) == 0 {
		c.bad("offer.to", "", "missing; list the channels that get the offer, in order")
	}
	for i, name := range o.To {
		field := listField("offer.to", i, len(o.To))
		c.target(field, name, false, envelope.RoleBot, envelope.RoleAgent)
		if slices.Contains(o.To[:i], name) {
			c.bad(field, "", "%q is listed twice", name)
		}
	}
	if o.Within < 0 || o.Within > maxWithin {
		c.bad("offer.within", "", "must be more than 0 and at most %gh", maxWithin.Hours())
	}
	if o.Else != "" {
		c.target("offer.else", o.Else, true, envelope.RoleBot, envelope.RoleAgent)
	}
}

// target checks the channel of an action.
func (c *checker) target(field, name string, home bool, among ...envelope.Role) {
	role, ok := c.channels[name]
	switch {
	case home && name == Home:
	case !ok:
		candidates := c.channels.Names()
		if home {
			candidates = append(candidates, Home)
		}
		c.bad(field, Closest(name, candidates), "there is no channel %q", name)
	case role != "" && !slices.Contains(among, role): // "": the channel's own role is wrong
		c.bad(field, "", "channel %q has role %s; %s needs a channel of role %s", name, role, field, joinRoles(among))
	}
}

func (c *checker) checkSay() {
	say := c.rule.Say
	switch {
	case say == "":
	case strings.TrimSpace(say) == "":
		c.bad("say", "", "contains no text")
	case !utf8.ValidString(say):
		c.bad("say", "", "is not valid UTF-8")
	case len(say) > envelope.MaxTextBytes:
		c.bad("say", "", "has %d bytes, at most %d are possible", len(say), envelope.MaxTextBytes)
	default:
		if r, bad := controlCharacter(say); bad {
			c.bad("say", "", "contains the control character %U", r)
		}
	}
}

func listField(name string, i, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s[%d]", name, i)
}

func joinRoles(list []envelope.Role) string {
	s := make([]string, len(list))
	for i := range list {
		s[i] = string(list[i])
	}
	return strings.Join(s, " or ")
}
