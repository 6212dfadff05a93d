package crash

import (
	"slices"
	"strings"
	"time"
)

// checkLanes checks the order of each lane and the number of duplicates.
func (v *oracle) checkLanes() {
	sent := map[string][]string{} // message names by customer, in the order of acceptance
	for _, m := range v.messages {
		sent[m.user] = append(sent[m.user], m.id)
		if hasPicture(m.id) {
			sent[m.user] = append(sent[m.user], m.id+".png")
		}
	}
	seen := map[[2]string][]observation{} // by customer and channel
	for _, a := range v.arrivals {
		lane := [2]string{customerOf(a.name), a.channel}
		seen[lane] = append(seen[lane], observation{a.name, a.at})
	}
	for lane, s := range seen {
		user, channel := lane[0], lane[1]
		v.checkOrder(user, channel, sent[user], s)
		v.checkDuplicates(user, channel, s, func(name string) int { return v.countDeliveries(user, channel, name) })
	}
	for user, replies := range v.answerArrivals {
		var s []observation
		for _, r := range replies {
			s = append(s, observation{r.key, r.at})
		}
		channel := v.customerChannel()
		v.checkOrder(user, channel, v.indexes[user].order[channel], s)
		v.tally.absorbed += v.checkDuplicates(user, channel, s, func(string) int { return 1 })
	}
}

// observation is an arrival at a vendor.
type observation struct {
	id string
	at time.Time
}

// countDeliveries returns the number of deliveries of a message, or of its picture, to a channel. There are several if
// control moved away from the channel and back before the message arrived.
func (v *oracle) countDeliveries(user, channel, name string) int {
	b, n := v.indexes[user], 0
	if b == nil {
		return 0 // checkMessages reports it
	}
	id, picture := strings.CutSuffix(name, ".png")
	for _, envelope := range b.accepted[[2]string{v.customerChannel(), id}] {
		for _, d := range b.queued[envelope] {
			if b.channel[d] == channel && picture == (b.piece[d] > 1) {
				n++
			}
		}
	}
	return n
}

// checkOrder checks that want contains each observed id, and that the first observations of the ids have its order.
func (v *oracle) checkOrder(user, channel string, want []string, seen []observation) {
	place := make(map[string]int, len(want))
	for i, w := range want {
		place[w] = i
	}
	last, lastID := -1, ""
	first := map[string]bool{}
	for _, s := range seen {
		if first[s.id] {
			continue
		}
		first[s.id] = true
		i, ok := place[s.id]
		if !ok {
			v.addFinding(user, "%s arrived at %s, and the lane does not contain it", s.id, channel)
			continue
		}
		if i < last {
			v.addFinding(user, "%s arrived at %s after %s, which is newer", s.id, channel, lastID)
			continue
		}
		last, lastID = i, s.id
	}
}

// checkDuplicates checks that each id was observed at most once per delivery, and once more for each incident between
// two observations. A lane has one call in flight, so that each incident explains one duplicate. It returns the number
// of duplicates.
func (v *oracle) checkDuplicates(user, channel string, seen []observation, deliveries func(string) int) int {
	times := map[string][]time.Time{}
	var ids []string
	for _, s := range seen {
		if times[s.id] == nil {
			ids = append(ids, s.id)
		}
		times[s.id] = append(times[s.id], s.at)
	}
	var unused []incident // incidents that explain no duplicate yet
	for _, i := range v.incidents {
		if i.channel == "" || i.channel == channel {
			unused = append(unused, i)
		}
	}
	total := 0
	for _, id := range ids {
		extra := len(times[id]) - max(deliveries(id), 1)
		for n := 1; n < len(times[id]) && extra > 0; n++ {
			before, after := times[id][n-1], times[id][n]
			i := slices.IndexFunc(unused, func(i incident) bool { return before.Before(i.to) && after.After(i.from) })
			if i < 0 {
				continue
			}
			unused = slices.Delete(unused, i, i+1)
			extra--
			total++
		}
		if extra > 0 {
			v.addFinding(user, "%s arrived at %s %d times, at %v; deliveries and incidents explain only %d", id, channel,
				len(times[id]), times[id], len(times[id])-extra)
			total += extra
		}
	}
	v.tally.duplicates += total
	return total
}
