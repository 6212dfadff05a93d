package crash

import (
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/test/harness"
)

// fates checks what the trail tells of every accepted message, and that the vendors saw what it calls delivered.
func (v *verdict) fates() {
	arrived := map[arrival]bool{} // without the time
	for _, a := range v.arrivals {
		arrived[arrival{channel: a.channel, name: a.name}] = true
	}
	known := map[string]bool{}
	for _, s := range v.said {
		known[s.id], known[s.id+".png"] = true, pictured(s.id)
		b := v.books[s.user]
		switch status, channel := v.fate(s.user, b, v.far(), s.id); status {
		case "":
		case "delivered":
			apart := channel == "desk" && pictured(s.id)
			if !arrived[arrival{channel: channel, name: s.id}] || apart && !arrived[arrival{channel: channel, name: s.id + ".png"}] {
				v.find(s.user, "%s is delivered to %s by the trail, and never got there", s.id, channel)
			}
		case "fenced", "dropped":
		case "dead":
			if v.strict && !v.suspected(b, v.far(), s.id) {
				v.find(s.user, "%s is a dead letter, and no vendor refused it", s.id)
			}
		default:
			v.find(s.user, "%s was accepted and is %s", s.id, status)
		}
	}
	for _, a := range v.arrivals {
		if !known[a.name] {
			v.find(customer(a.name), "%s arrived at %s, and nobody said it", a.name, a.channel)
		}
	}
	v.answers()
}

// answers checks what became of every accepted answer: the customer got it, in one effect, or it was fenced and the
// customer did not get it.
func (v *verdict) answers() {
	owner := map[[2]string]string{} // customers by channel and vendor's id
	for user, b := range v.books {
		for id := range b.accepted {
			owner[id] = user
		}
	}
	effects := map[string]map[string]bool{} // keys by text
	for user, replies := range v.replies {
		for _, r := range replies {
			if r.key == "" {
				v.find(user, "a reply came without an idempotency key: %q", r.text)
			}
			if effects[r.text] == nil {
				effects[r.text] = map[string]bool{}
			}
			effects[r.text][r.key] = true
		}
	}
	for _, w := range v.words {
		user, ok := owner[[2]string{w.channel, w.vendorID}]
		if to := v.meant(w); !ok && v.unknown(to, w) {
			v.tally.unrouted++
			continue
		} else if !ok {
			v.find(to, "%s of %s was answered with 200 and is in no trail: %q %+v", w.vendorID, w.channel, w.text, v.strays[w.vendorID].Entries)
			continue
		}
		status, _ := v.fate(user, v.books[user], w.channel, w.vendorID)
		switch n := len(effects[w.text]); {
		case status == "":
		case status == "delivered" && n != 1:
			v.find(user, "%q is delivered by the trail, and the customer got it %d times", w.text, n)
		case status == "fenced" && n != 0:
			v.find(user, "%q is fenced by the trail, and the customer got it", w.text)
		case status == "delivered" || status == "fenced":
		case status == "dead" && (!v.strict || v.suspected(v.books[user], w.channel, w.vendorID)):
		default:
			v.find(user, "%q was accepted and is %s", w.text, status)
		}
	}
}

// meant returns the customer for whom words are that are in no customer's trail, "" if that is not known.
func (v *verdict) meant(w word) string {
	for _, held := range v.strays[w.vendorID].Entries {
		thread, ok := strings.CutPrefix(held.Detail, "pending thread ")
		for user := range v.trails {
			if ok && thread == envelope.ShortID("livechat", harness.Organization+"/"+harness.Chatbot+"/"+user) {
				return user
			}
		}
	}
	return ""
}

// unknown reports whether the gateway could not know that an agent spoke to this customer: it gave the words up for that reason, and
// until then no call that asks the desk to take the customer was known to have come through, though one was under way. A
// kill may cut off its answer, and then nobody is left who waits for the agent.
func (v *verdict) unknown(user string, w word) bool {
	stray, trails := v.strays[w.vendorID], v.trails[user]
	held, given := stray.Find("held"), stray.Find("unrouted")
	if w.channel != "desk" || len(held) != 1 || len(given) != 1 || len(trails) != 1 {
		return false
	}
	asked := map[string]bool{} // by delivery
	for _, e := range trails[0].Entries {
		switch {
		case e.Step == "queued" && e.Channel == "desk" && e.Kind == "open" && !e.At.After(held[0].At):
			asked[e.Delivery] = true
		case e.Step == "delivered" && asked[e.Delivery] && !e.At.After(given[0].At):
			return false
		}
	}
	return len(asked) > 0
}

// suspected reports whether a message is a dead letter because the gateway had to take it for what ends its adapter.
func (v *verdict) suspected(b *book, channel, id string) bool {
	for _, envelope := range b.accepted[[2]string{channel, id}] {
		for _, d := range b.queued[envelope] {
			if v.killedTwice(b, d) {
				return true
			}
		}
	}
	return false
}

// killedTwice reports whether a delivery was given up since its adapter was killed during two of its calls: both deaths
// are among the incidents.
func (v *verdict) killedTwice(b *book, delivery string) bool {
	dead, kills := b.dead[delivery], 0
	if dead == nil || dead.Kind != "killed_adapter" {
		return false
	}
	for _, i := range v.incidents {
		if i.channel == b.channel[delivery] && i.to.After(b.began[delivery]) && i.from.Before(dead.At) {
			kills++
		}
	}
	return kills >= 2
}

// fate looks a message up by the vendor's id, counts its fate, and finds fault if there is not exactly one: then it
// returns "".
func (v *verdict) fate(user string, b *book, channel, id string) (status, to string) {
	envelopes := b.accepted[[2]string{channel, id}]
	if len(envelopes) != 1 {
		v.find(user, "%s of %s was answered with 200 and accepted %d times by the trail, want once", id, channel, len(envelopes))
		return "", ""
	}
	status, to, wrong := b.fate(envelopes[0])
	if wrong != "" {
		v.find(user, "%s of %s: %s", id, channel, wrong)
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
