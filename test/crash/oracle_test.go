package crash

import (
	"fmt"
	"slices"
	"time"

	"patchbay/test/harness"
)

// finding is a violation of one of the rules that the oracle checks.
type finding struct {
	user string
	text string
}

// tally counts messages and events of a run.
type tally struct {
	messages, answers                int // accepted messages of customers, and of bots and agents
	delivered, fenced, dropped, dead int
	unrouted                         int // answers on threads that the gateway could not know
	duplicates                       int // repeated arrivals, at all vendors
	absorbed                         int // duplicates that the website can recognize by the idempotency key
	handovers                        int
}

func (s tally) String() string {
	return fmt.Sprintf("messages=%d answers=%d delivered=%d fenced=%d dropped=%d dead=%d unrouted=%d handovers=%d "+
		"duplicates=%d (%d absorbed by the key)", s.messages, s.answers, s.delivered, s.fenced, s.dropped, s.dead,
		s.unrouted, s.handovers, s.duplicates, s.absorbed)
}

// oracle checks the evidence of a run:
//
//   - Each accepted message has exactly one final status in the trail, and the vendors' records confirm it.
//   - Each lane keeps its order.
//   - A message arrives twice only if a kill interrupted its call.
//   - The customer receives answers of the owner only.
type oracle struct {
	*evidence
	tally    tally
	findings []finding
	indexes  map[string]*trailIndex // by customer
}

// trailIndex is an index of a customer's trail.
type trailIndex struct {
	accepted        map[[2]string][]string // envelopes by channel and vendor id
	withoutDelivery map[string][]string    // final statuses of envelopes without a delivery, by envelope
	queued          map[string][]string    // deliveries by envelope
	order           map[string][]string    // deliveries by channel, in the order of queueing
	channel         map[string]string      // by delivery
	piece           map[string]int         // by delivery: number of the piece from 1, 0 for an undivided message
	queuedAt        map[string]time.Time   // by delivery
	ended           map[string][]string    // final statuses by delivery
	dead            map[string]*harness.Entry
	handovers       int
	passed          map[passTo]bool
}

// evaluate runs all checks.
func evaluate(e *evidence) *oracle {
	v := &oracle{evidence: e, indexes: map[string]*trailIndex{}}
	v.tally.messages, v.tally.answers = len(e.messages), len(e.answers)
	for _, user := range e.users() {
		v.indexTrails(user)
	}
	v.checkMessages()
	v.checkLanes()
	v.checkFencing()
	return v
}

func (v *oracle) addFinding(user, format string, args ...any) {
	v.findings = append(v.findings, finding{user, fmt.Sprintf(format, args...)})
}

// indexTrails indexes a customer's trail. It adds a finding unless there is exactly one trail without pending
// deliveries.
func (v *oracle) indexTrails(user string) {
	b := &trailIndex{
		accepted: map[[2]string][]string{}, withoutDelivery: map[string][]string{}, queued: map[string][]string{},
		order: map[string][]string{}, channel: map[string]string{}, piece: map[string]int{}, ended: map[string][]string{},
		queuedAt: map[string]time.Time{}, dead: map[string]*harness.Entry{}, passed: map[passTo]bool{},
	}
	v.indexes[user] = b
	trails := v.trails[user]
	if len(trails) != 1 {
		v.addFinding(user, "has %d conversations, want 1", len(trails))
	}
	for i := range trails {
		if n := len(trails[i].Pending); n > 0 {
			v.addFinding(user, "%d deliveries are pending at the end: %+v", n, trails[i].Pending[0])
		}
		for j := range trails[i].Entries {
			b.add(&trails[i].Entries[j])
		}
	}
	v.tally.handovers += b.handovers
}

// passTo is a move of control to a channel.
type passTo struct {
	channel string
	at      time.Time
}

// finalStatuses lists the steps that end a delivery.
var finalStatuses = []string{"delivered", "dead", "dropped", "moved", "merged", "fenced"}

func (b *trailIndex) add(e *harness.Entry) {
	switch {
	case e.Step == "accepted":
		id := [2]string{e.Channel, e.VendorID}
		b.accepted[id] = append(b.accepted[id], e.Envelope)
	case e.Step == "passed":
		b.handovers++
		b.passed[passTo{e.Channel, e.At}] = true
	case e.Step == "queued" && e.Kind == "send":
		b.queued[e.Envelope] = append(b.queued[e.Envelope], e.Delivery)
		b.order[e.Channel] = append(b.order[e.Channel], e.Delivery)
		b.channel[e.Delivery], b.queuedAt[e.Delivery] = e.Channel, e.At
		var piece, of int
		if _, err := fmt.Sscanf(e.Detail, "piece %d of %d", &piece, &of); err == nil {
			b.piece[e.Delivery] = piece
		}
	case e.Delivery == "" && slices.Contains([]string{"fenced", "dropped", "unrouted"}, e.Step):
		b.withoutDelivery[e.Envelope] = append(b.withoutDelivery[e.Envelope], e.Step)
	case e.Delivery != "" && slices.Contains(finalStatuses, e.Step):
		b.ended[e.Delivery] = append(b.ended[e.Delivery], e.Step)
		if e.Step == "dead" {
			b.dead[e.Delivery] = e
		}
	}
}

// finalStatus returns the final status of an envelope and the channel that received it, or a problem if there is not
// exactly one status. All pieces of a message must have the same status. Two kinds of deliveries do not count: moved
// ones, which are queued again for the next owner, and deliveries to a desk whose agent did not answer them, which are
// queued again when control passes to the bot.
func (b *trailIndex) finalStatus(envelope string) (status, channel, problem string) {
	statuses := slices.Clone(b.withoutDelivery[envelope])
	for _, pieces := range b.deliveries(envelope) {
		ends := map[string]bool{}
		for _, d := range pieces {
			if len(b.ended[d]) != 1 {
				return "", "", fmt.Sprintf("delivery %s has the final statuses %v, want one", d, b.ended[d])
			}
			ends[b.ended[d][0]] = true
		}
		if ends["moved"] {
			continue
		}
		if len(ends) > 1 {
			return "", "", fmt.Sprintf("the pieces of message %s have the final statuses %v, want the same", envelope, ends)
		}
		toBot := passTo{b.channel[pieces[0]], b.queuedAt[pieces[0]]}
		if len(statuses) == 1 && statuses[0] == "delivered" && channel == "desk" && toBot.channel != "desk" && b.passed[toBot] {
			statuses = nil
		}
		statuses = append(statuses, b.ended[pieces[0]][0])
		channel = b.channel[pieces[0]]
	}
	if len(statuses) != 1 {
		return "", "", fmt.Sprintf("message %s has the final statuses %v, want one", envelope, statuses)
	}
	return statuses[0], channel, ""
}

// deliveries returns the deliveries of an envelope. The pieces of one divided message form one group.
func (b *trailIndex) deliveries(envelope string) [][]string {
	var out [][]string
	for _, d := range b.queued[envelope] {
		if b.piece[d] <= 1 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], d)
	}
	return out
}
