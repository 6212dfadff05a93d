package route

import (
	"slices"
	"time"

	"patchbay/core/internal/finding"
	"patchbay/sdk/envelope"
)

// MinAfter is the smallest value of `after`.
const MinAfter = time.Second

func isTimer(e Event) bool { return e == EventIdle || e == EventUnanswered }

// checkTimers checks the key `after` and the events that need it.
func (c *checker) checkTimers() {
	r := c.rule
	timer := slices.IndexFunc(r.Events, isTimer)
	other := slices.IndexFunc(r.Events, func(e Event) bool { return !isTimer(e) })
	switch {
	case timer >= 0 && other >= 0:
		c.report(finding.ConflictingKeys, "event", "", "event %q has `after` and event %q has not; write a rule for each",
			r.Events[timer],
			r.Events[other])
	case timer < 0 && r.After != 0:
		c.report(finding.KeyNeedsEvent, "after", "", "applies to events idle and unanswered, not to %q", r.Events[other])
	case timer >= 0 && r.After == 0:
		c.report(finding.MissingKey, "after", "", "missing; event %q needs it, such as `after: 10m`", r.Events[timer])
	case timer >= 0 && r.After < MinAfter:
		c.report(finding.InvalidValue, "after", "", "must be at least %s", MinAfter)
	}
	if slices.Contains(r.Events, EventIdle) && !c.fromAny(envelope.RoleCustomer) {
		c.report(finding.ConflictingKeys, "from", string(envelope.RoleCustomer),
			"event %q is about the customer's channel; "+
				"event %q is about a bot or an agent that does not answer", EventIdle, EventUnanswered)
	}
}

// checkClosed checks that a rule for the end of a conversation has no other effects than a notice and copies.
func (c *checker) checkClosed() {
	if !slices.Contains(c.rule.Events, EventClosed) {
		return
	}
	for _, action := range c.rule.actions() {
		switch action {
		case "say", "copy", "drop", "to": // the last two are reported for all events
		default:
			c.report(finding.KeyNeedsEvent, action, "",
				"has no effect on event %q: the conversation has ended, so only say and "+
					"copy are possible",
				EventClosed)
		}
	}
}
