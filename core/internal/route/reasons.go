package route

import (
	"maps"
	"slices"
)

// The reasons that the gateway itself gives.
var (
	offerReasons  = []string{"declined", "expired", "closed", "unreachable", "outside_hours", "paused", "bounces"}
	passReasons   = []string{"disconnected", "operator"}
	closeReasons  = []string{"close_after", "operator"}
	departReasons = []string{"gone"}
)

// AnyReason is a declared code that stands for codes which the adapter cannot list. It is sdk.AnyReason.
const AnyReason = "*"

// DeliveryReasons are the kinds of errors of a delivery that failed: those of adapters, then those of the gateway.
var DeliveryReasons = []string{
	"invalid", "unauthorized", "unsupported", "permanent", "transient", "throttled", "declined", "gone", "unknown",
	"panicked", "killed_adapter", "unreadable", "unavailable", "unconfigured", "undecided",
}

// builtInReasons are all reasons that the gateway itself gives, to rules and to vendors. A rule must not have such a
// name, because the name of a rule is a reason too.
var builtInReasons = slices.Concat(offerReasons, passReasons, closeReasons, departReasons, DeliveryReasons,
	[]string{"rule", "left", "offer", "withdrawn"})

// reasons returns the values that `reason` can have when the rule is evaluated. Open is true if there are further
// values, which an adapter cannot list. Rules are the names of all rules, which are the reasons of handovers and
// closes.
func (r *Rule) reasons(declared Declared, ch Channels, rules []string) (known []string, open bool) {
	add := func(byChannel map[string]map[string]string, e Event) {
		for name, role := range ch {
			if r.canBeAbout(e, name, role) {
				known = slices.AppendSeq(known, maps.Keys(byChannel[name]))
			}
		}
	}
	for _, e := range r.Events {
		switch e {
		case EventOfferFailed:
			known = append(known, offerReasons...)
			add(declared.Declined, e)
		case EventPassed:
			known = append(append(known, passReasons...), rules...)
		case EventClosed:
			known = append(append(known, closeReasons...), rules...)
		case EventDeliveryFailed:
			known = append(known, DeliveryReasons...)
			add(declared.Declined, e)
		case EventConnected, EventDisconnected, EventHandoverRequested:
			known = append(known, departReasons...)
			add(declared.Events, e)
		}
	}
	slices.Sort(known)
	return slices.Compact(known), slices.Contains(known, AnyReason)
}
