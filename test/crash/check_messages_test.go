package crash

import (
	"strings"

	"patchbay/sandbox/native"
	"patchbay/sdk/envelope"
)

// checkMessages checks that each accepted message has exactly one final status, and that the vendor received each
// message whose status is delivered.
func (v *oracle) checkMessages() {
	arrived := map[arrival]bool{} // the time is zero
	for _, a := range v.arrivals {
		arrived[arrival{channel: a.channel, name: a.name}] = true
	}
	known := map[string]bool{}
	for _, m := range v.messages {
		known[m.id], known[m.id+".png"] = true, hasPicture(m.id)
		b := v.indexes[m.user]
		switch status, channel := v.finalStatus(m.user, b, v.customerChannel(), m.id); status {
		case "":
		case "delivered":
			separate := channel == "desk" && hasPicture(m.id)
			if !arrived[arrival{channel: channel, name: m.id}] ||
				separate && !arrived[arrival{channel: channel, name: m.id + ".png"}] {
				v.addFinding(m.user, "%s is delivered to %s according to the trail, but did not arrive", m.id, channel)
			}
		case "fenced", "dropped":
		case "dead":
			if v.strict && !v.isCrashSuspect(b, v.customerChannel(), m.id) {
				v.addFinding(m.user, "%s is a dead letter, but no vendor refused it", m.id)
			}
		default:
			v.addFinding(m.user, "%s was accepted and is %s", m.id, status)
		}
	}
	for _, a := range v.arrivals {
		if !known[a.name] {
			v.addFinding(customerOf(a.name), "%s arrived at %s, but no customer sent it", a.name, a.channel)
		}
	}
	v.checkAnswers()
}

// checkAnswers checks that each customer received each delivered answer with one idempotency key, and received no
// fenced answer.
func (v *oracle) checkAnswers() {
	owner := map[[2]string]string{} // customers by channel and vendor id
	for user, b := range v.indexes {
		for id := range b.accepted {
			owner[id] = user
		}
	}
	keys := map[string]map[string]bool{} // by text
	for user, replies := range v.answerArrivals {
		for _, r := range replies {
			if r.key == "" {
				v.addFinding(user, "an answer has no idempotency key: %q", r.text)
			}
			if keys[r.text] == nil {
				keys[r.text] = map[string]bool{}
			}
			keys[r.text][r.key] = true
		}
	}
	for _, a := range v.answers {
		user, ok := owner[[2]string{a.channel, a.vendorID}]
		if to := v.intendedCustomer(a); !ok && v.threadUnknown(to, a) {
			v.tally.unrouted++
			continue
		} else if !ok {
			v.addFinding(to, "%s of %s was accepted with 200 and is in no trail: %q %+v", a.vendorID, a.channel, a.text,
				v.pendingTrails[a.vendorID].Entries)
			continue
		}
		status, _ := v.finalStatus(user, v.indexes[user], a.channel, a.vendorID)
		switch n := len(keys[a.text]); {
		case status == "":
		case status == "delivered" && n != 1:
			v.addFinding(user, "%q is delivered according to the trail, but the customer received it %d times", a.text, n)
		case status == "fenced" && n != 0:
			v.addFinding(user, "%q is fenced according to the trail, but the customer received it", a.text)
		case status == "delivered" || status == "fenced":
		case status == "dead" && (!v.strict || v.isCrashSuspect(v.indexes[user], a.channel, a.vendorID)):
		default:
			v.addFinding(user, "%q was accepted and is %s", a.text, status)
		}
	}
}

// intendedCustomer returns the customer of an answer that is in no customer's trail, or "" if the customer is unknown.
func (v *oracle) intendedCustomer(a acceptedAnswer) string {
	for _, held := range v.pendingTrails[a.vendorID].Entries {
		thread, ok := strings.CutPrefix(held.Detail, "pending thread ")
		for user := range v.trails {
			if ok && thread == envelope.ShortID("livechat", native.Organization+"/"+native.Chatbot+"/"+user) {
				return user
			}
		}
	}
	return ""
}

// threadUnknown reports whether the gateway could not know the thread of an agent's answer. In this case, the call that
// opens the thread was queued when the answer was accepted, and had not succeeded when the answer became unrouted. A
// kill can interrupt that call.
func (v *oracle) threadUnknown(user string, a acceptedAnswer) bool {
	pending, trails := v.pendingTrails[a.vendorID], v.trails[user]
	held, unrouted := pending.Find("held"), pending.Find("unrouted")
	if a.channel != "desk" || len(held) != 1 || len(unrouted) != 1 || len(trails) != 1 {
		return false
	}
	opens := map[string]bool{} // deliveries
	for _, e := range trails[0].Entries {
		switch {
		case e.Step == "queued" && e.Channel == "desk" && e.Kind == "open" && !e.At.After(held[0].At):
			opens[e.Delivery] = true
		case e.Step == "delivered" && opens[e.Delivery] && !e.At.After(unrouted[0].At):
			return false
		}
	}
	return len(opens) > 0
}

// isCrashSuspect reports whether a delivery of a message became a dead letter because its adapter was killed twice.
func (v *oracle) isCrashSuspect(b *trailIndex, channel, id string) bool {
	for _, envelope := range b.accepted[[2]string{channel, id}] {
		for _, d := range b.queued[envelope] {
			if v.killedTwice(b, d) {
				return true
			}
		}
	}
	return false
}

// killedTwice reports whether a delivery is a dead letter of the kind killed_adapter and its adapter was killed at
// least twice between its queueing and this end.
func (v *oracle) killedTwice(b *trailIndex, delivery string) bool {
	dead, kills := b.dead[delivery], 0
	if dead == nil || dead.Kind != "killed_adapter" {
		return false
	}
	for _, i := range v.incidents {
		if i.channel == b.channel[delivery] && i.to.After(b.queuedAt[delivery]) && i.from.Before(dead.At) {
			kills++
		}
	}
	return kills >= 2
}

// finalStatus returns the final status of a message by its vendor id, and counts it in the tally. If there is not
// exactly one, it adds a finding and returns "".
func (v *oracle) finalStatus(user string, b *trailIndex, channel, id string) (status, to string) {
	envelopes := b.accepted[[2]string{channel, id}]
	if len(envelopes) != 1 {
		v.addFinding(user, "%s of %s was accepted with 200, but accepted %d times according to the trail, want once",
			id, channel, len(envelopes))
		return "", ""
	}
	status, to, problem := b.finalStatus(envelopes[0])
	if problem != "" {
		v.addFinding(user, "%s of %s: %s", id, channel, problem)
		return "", ""
	}
	switch status {
	case "delivered":
		v.tally.delivered++
	case "fenced":
		v.tally.fenced++
	case "dropped":
		v.tally.dropped++
	case "dead":
		v.tally.dead++
	}
	return status, to
}
