package route

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"patchbay/core/internal/finding"
	"patchbay/sdk/envelope"
)

// Slug matches the names of rules and channels: lower-case letters, digits and single hyphens, beginning with a letter.
// A name has at most MaxName characters.
var Slug = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// MaxName bounds a name, in characters.
const MaxName = 63

var roles = []string{
	string(envelope.RoleCustomer), string(envelope.RoleBot), string(envelope.RoleAgent), string(envelope.RoleObserver),
}

var events = []string{
	string(EventMessage), string(EventOpened), string(EventConnected), string(EventDisconnected),
	string(EventHandoverRequested), string(EventPassed), string(EventClosed), string(EventOfferFailed),
	string(EventIdle), string(EventUnanswered), string(EventDeliveryFailed),
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

// report adds a problem with a key of the rule. The suggestion is the most likely correction, "" without one.
func (c *checker) report(code finding.Code, field, suggestion, format string, args ...any) {
	c.add(Problem{Code: code, Field: field, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

func (c *checker) check() {
	c.checkName()
	c.checkEvents()
	c.checkFrom()
	c.checkAttributes()
	c.checkTargets()
	c.checkSay()
	c.checkCombination()
	c.checkEventKeys()
	c.checkTimers()
	c.checkClosed()
}

func (c *checker) checkName() {
	switch name := c.rule.Name; {
	case name == "":
		c.report(finding.MissingKey, "name", "", "missing; it identifies the rule in metrics and traces")
	case slices.Contains(builtInReasons, name):
		c.report(finding.ReservedName, "name", "", "%q is a reason that the gateway itself gives; take another name", name)
	case !Slug.MatchString(name) || len(name) > MaxName:
		c.report(finding.InvalidName, "name", "",
			"%q must consist of lower-case letters, digits and hyphens, at most %d characters", name,
			MaxName)
	}
}

func (c *checker) checkEvents() {
	for i, e := range c.rule.Events {
		field := listField("event", i, len(c.rule.Events))
		switch {
		case !slices.Contains(events, string(e)):
			c.report(finding.UnknownEvent, field, Closest(string(e), events), "there is no event %q; events are %s", e,
				strings.Join(events, ", "))
		case slices.Contains(c.rule.Events[:i], e):
			c.report(finding.ListedTwice, field, "", "event %q is listed twice", e)
		}
	}
}

func (c *checker) checkFrom() {
	for i, who := range c.rule.From {
		field := listField("from", i, len(c.rule.From))
		_, isChannel := c.channels[who]
		switch {
		case !isChannel && !slices.Contains(roles, who):
			c.report(finding.UnknownChannel, field, Closest(who, append(c.channels.Names(), roles...)),
				"there is no channel or role %q", who)
		case slices.Contains(c.rule.From[:i], who):
			c.report(finding.ListedTwice, field, "", "%q is listed twice", who)
		}
	}
	for _, e := range c.rule.Events {
		if who := subjectRoles(e); who != nil && !c.fromAny(who...) {
			c.report(finding.NeverMatches, "from", "", "never matches: event %q is about a channel of role %s", e,
				joinRoles(who))
		}
	}
}

// subjectRoles returns the roles that the subject channel of an event can have. It returns nil for any role.
func subjectRoles(e Event) []envelope.Role {
	switch e {
	case EventOpened, EventClosed:
		return []envelope.Role{envelope.RoleCustomer}
	case EventOfferFailed, EventUnanswered:
		return []envelope.Role{envelope.RoleBot, envelope.RoleAgent}
	case EventDeliveryFailed:
		return []envelope.Role{envelope.RoleCustomer, envelope.RoleBot, envelope.RoleAgent}
	}
	return nil
}

// fromAny reports whether `from` admits a channel of one of the roles.
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
