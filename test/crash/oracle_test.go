package crash

import (
	"fmt"
	"slices"
	"time"

	"patchbay/test/harness"
)

// The oracle. Of every message that was accepted, the trail must tell exactly one fate; what it tells must be true at the
// vendors; lanes keep their order; nothing arrives twice but for what was in flight when something was killed; and the
// customer never hears somebody who has no control.

// finding is one thing that must not be.
type finding struct {
	user string
	text string
}

// tally is what the evidence adds up to.
type tally struct {
	messages, words                  int // accepted, of customers and of far sides
	delivered, fenced, dropped, dead int
	unrouted                         int // words for nobody that the gateway knew of
	duplicates                       int // calls that were made again after their effect, at all vendors
	absorbed                         int // of them, those that the vendor knew by the idempotency key
	handovers                        int
}

func (s tally) String() string {
	return fmt.Sprintf("messages=%d answers=%d delivered=%d fenced=%d dropped=%d dead=%d unrouted=%d handovers=%d duplicates=%d (%d absorbed by the key)",
		s.messages, s.words, s.delivered, s.fenced, s.dropped, s.dead, s.unrouted, s.handovers, s.duplicates, s.absorbed)
}

// verdict collects findings while the evidence is gone through.
type verdict struct {
	*evidence
	tally    tally
	findings []finding
	books    map[string]*book // by customer
}

// book is one customer's trail, indexed.
type book struct {
	accepted  map[[2]string][]string // envelopes by channel and vendor's id
	disposed  map[string][]string    // statuses of envelopes that were not queued
	queued    map[string][]string    // deliveries by envelope
	order     map[string][]string    // deliveries by channel, in the order in which they were queued
	channel   map[string]string      // of a delivery
	piece     map[string]int         // of a delivery that is one of several, from 1
	began     map[string]time.Time   // when a delivery was queued
	ended     map[string][]string    // statuses by delivery
	dead      map[string]*harness.Entry
	handovers int
}

func judge(e *evidence) *verdict {
	v := &verdict{evidence: e, books: map[string]*book{}}
	v.tally.messages, v.tally.words = len(e.said), len(e.words)
	for _, user := range e.users() {
		v.open(user)
	}
	v.fates()
	v.lanes()
	v.fence()
	return v
}

func (v *verdict) find(user, format string, args ...any) {
	v.findings = append(v.findings, finding{user, fmt.Sprintf(format, args...)})
}

// open reads a customer's trail. There must be exactly one, and nothing may wait in it.
func (v *verdict) open(user string) {
	b := &book{
		accepted: map[[2]string][]string{}, disposed: map[string][]string{}, queued: map[string][]string{},
		order: map[string][]string{}, channel: map[string]string{}, piece: map[string]int{}, ended: map[string][]string{},
		began: map[string]time.Time{}, dead: map[string]*harness.Entry{},
	}
	v.books[user] = b
	trails := v.trails[user]
	if len(trails) != 1 {
		v.find(user, "has %d conversations, want 1", len(trails))
	}
	for i := range trails {
		if n := len(trails[i].Pending); n > 0 {
			v.find(user, "%d deliveries wait after the end: %+v", n, trails[i].Pending[0])
		}
		for j := range trails[i].Entries {
			b.enter(&trails[i].Entries[j])
		}
	}
	v.tally.handovers += b.handovers
}

func (b *book) enter(e *harness.Entry) {
	switch {
	case e.Step == "accepted":
		id := [2]string{e.Channel, e.VendorID}
		b.accepted[id] = append(b.accepted[id], e.Envelope)
	case e.Step == "passed":
		b.handovers++
	case e.Step == "queued" && e.Kind == "send":
		b.queued[e.Envelope] = append(b.queued[e.Envelope], e.Delivery)
		b.order[e.Channel] = append(b.order[e.Channel], e.Delivery)
		b.channel[e.Delivery], b.began[e.Delivery] = e.Channel, e.At
		var piece, of int
		if _, err := fmt.Sscanf(e.Detail, "piece %d of %d", &piece, &of); err == nil {
			b.piece[e.Delivery] = piece
		}
	case e.Delivery == "" && slices.Contains([]string{"fenced", "dropped", "unrouted"}, e.Step):
		b.disposed[e.Envelope] = append(b.disposed[e.Envelope], e.Step)
	case e.Delivery != "" && slices.Contains([]string{"delivered", "dead", "dropped", "moved", "merged", "fenced"}, e.Step):
		b.ended[e.Delivery] = append(b.ended[e.Delivery], e.Step)
		if e.Step == "dead" {
			b.dead[e.Delivery] = e
		}
	}
}

// fate returns what became of an envelope, and the channel that got it. There is exactly one, or the text is what is wrong. What
// is divided into pieces has one fate if all of them have; if one was moved, all that follow control are queued again.
func (b *book) fate(envelope string) (status, channel, wrong string) {
	fates := slices.Clone(b.disposed[envelope])
	for _, pieces := range b.calls(envelope) {
		ends := map[string]bool{}
		for _, d := range pieces {
			if len(b.ended[d]) != 1 {
				return "", "", fmt.Sprintf("delivery %s has the ends %v, want one", d, b.ended[d])
			}
			ends[b.ended[d][0]] = true
		}
		if ends["moved"] {
			continue
		}
		if len(ends) > 1 {
			return "", "", fmt.Sprintf("the pieces of message %s have the ends %v, want the same", envelope, ends)
		}
		fates = append(fates, b.ended[pieces[0]][0])
		channel = b.channel[pieces[0]]
	}
	if len(fates) != 1 {
		return "", "", fmt.Sprintf("message %s has the fates %v, want one", envelope, fates)
	}
	return fates[0], channel, ""
}

// calls returns an envelope's deliveries, those together that are pieces of one.
func (b *book) calls(envelope string) [][]string {
	var out [][]string
	for _, d := range b.queued[envelope] {
		if b.piece[d] <= 1 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], d)
	}
	return out
}
