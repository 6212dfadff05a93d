package route

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"patchbay/core/internal/finding"
	"patchbay/sdk/envelope"
)

// maxWithin is the maximum of offer.within.
const maxWithin = 24 * time.Hour

func (c *checker) checkAttributes() {
	for key, value := range c.rule.Set {
		field := "set." + key
		invalid := Problem{Code: finding.InvalidName, Field: field, Key: true}
		if key == "" || strings.ContainsFunc(key, unicode.IsControl) {
			invalid.Message = "an attribute's name is empty or contains a line end or another control character"
			c.add(invalid)
		} else if strings.Contains(key, ".") {
			invalid.Message, invalid.Suggestion = "names with a dot are reserved for adapters", strings.ReplaceAll(key, ".", "_")
			c.add(invalid)
		} else if len(key)+len(value) > envelope.MaxAttributeBytes {
			c.report(finding.InvalidValue, field, "", "has %d bytes with the name, at most %d are possible",
				len(key)+len(value),
				envelope.MaxAttributeBytes)
		}
	}
	if len(c.rule.Set) > envelope.MaxAttributes {
		c.report(finding.InvalidValue, "set", "", "has %d attributes, at most %d are possible", len(c.rule.Set),
			envelope.MaxAttributes)
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
			c.report(finding.ListedTwice, field, "", "%q is listed twice", name)
		}
	}
	if r.Offer != nil {
		c.checkOffer(r.Offer)
	}
	if r.To != "" && r.To != ToOwner && r.To != ToCustomer {
		c.report(finding.InvalidValue, "to", Closest(r.To, []string{ToOwner, ToCustomer}), "must be %s or %s, not %q",
			ToOwner, ToCustomer, r.To)
	}
}

func (c *checker) checkOffer(o *Offer) {
	if len(o.To) == 0 {
		c.report(finding.MissingKey, "offer.to", "", "missing; list the channels that get the offer, in order")
	}
	for i, name := range o.To {
		field := listField("offer.to", i, len(o.To))
		c.target(field, name, false, envelope.RoleBot, envelope.RoleAgent)
		if slices.Contains(o.To[:i], name) {
			c.report(finding.ListedTwice, field, "", "%q is listed twice", name)
		}
	}
	if o.Within < 0 || o.Within > maxWithin {
		c.report(finding.InvalidValue, "offer.within", "", "must be more than 0 and at most %gh", maxWithin.Hours())
	}
	if o.Else != "" {
		c.target("offer.else", o.Else, true, envelope.RoleBot, envelope.RoleAgent)
	}
}

// target checks that the channel of an action exists and has one of the roles. If home is set, the name can also be
// Home.
func (c *checker) target(field, name string, home bool, among ...envelope.Role) {
	role, ok := c.channels[name]
	switch {
	case home && name == Home:
	case !ok:
		candidates := c.channels.Names()
		if home {
			candidates = append(candidates, Home)
		}
		c.report(finding.UnknownChannel, field, Closest(name, candidates), "there is no channel %q", name)
	case role != "" && !slices.Contains(among, role): // an empty role is reported with the channel
		c.report(finding.WrongRole, field, "", "channel %q has role %s; %s needs a channel of role %s", name, role, field,
			joinRoles(among))
	}
}
