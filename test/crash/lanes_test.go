package crash

import (
	"slices"
	"strings"
	"time"
)

// lanes checks order and repetition, lane by lane.
func (v *verdict) lanes() {
	said := map[string][]string{} // names by customer, in the order of acceptance
	for _, s := range v.said {
		said[s.user] = append(said[s.user], s.id)
		if pictured(s.id) {
			said[s.user] = append(said[s.user], s.id+".png")
		}
	}
	seen := map[[2]string][]sighting{} // by customer and channel
	for _, a := range v.arrivals {
		lane := [2]string{customer(a.name), a.channel}
		seen[lane] = append(seen[lane], sighting{a.name, a.at})
	}
	for lane, s := range seen {
		user, channel := lane[0], lane[1]
		v.order(user, channel, said[user], s)
		v.repeated(user, channel, s, func(name string) int { return v.calls(user, channel, name) })
	}
	for user, replies := range v.replies {
		var s []sighting
		for _, r := range replies {
			s = append(s, sighting{r.key, r.at})
		}
		v.order(user, v.far(), v.books[user].order[v.far()], s)
		v.tally.absorbed += v.repeated(user, v.far(), s, func(string) int { return 1 })
	}
}

// sighting is something that came in at a vendor.
type sighting struct {
	what string
	at   time.Time
}

// calls returns how many deliveries of a message, or of the picture in it, were queued to a channel: more than one if
// control went away and came back before it was there.
func (v *verdict) calls(user, channel, name string) int {
	b, n := v.books[user], 0
	if b == nil {
		return 0 // fates says that nobody has said it
	}
	id, picture := strings.CutSuffix(name, ".png")
	for _, envelope := range b.accepted[[2]string{v.far(), id}] {
		for _, d := range b.queued[envelope] {
			if b.channel[d] == channel && picture == (b.piece[d] > 1) {
				n++
			}
		}
	}
	return n
}

// order demands that first sightings are in the order of want.
func (v *verdict) order(user, channel string, want []string, seen []sighting) {
	place := make(map[string]int, len(want))
	for i, w := range want {
		place[w] = i
	}
	last, lastName := -1, ""
	first := map[string]bool{}
	for _, s := range seen {
		if first[s.what] {
			continue
		}
		first[s.what] = true
		i, ok := place[s.what]
		if !ok {
			v.find(user, "%s in the lane to %s is not known there", s.what, channel)
			continue
		}
		if i < last {
			v.find(user, "%s came to %s after %s, which is younger", s.what, channel, lastName)
			continue
		}
		last, lastName = i, s.what
	}
}

// repeated demands that everything was seen as often as there were calls for it, and once more for each incident at most that
// fell between two sightings: one lane has one call in flight, so an incident excuses one repetition in it. It
// returns how many repetitions there were.
func (v *verdict) repeated(user, channel string, seen []sighting, calls func(string) int) int {
	times := map[string][]time.Time{}
	var names []string
	for _, s := range seen {
		if times[s.what] == nil {
			names = append(names, s.what)
		}
		times[s.what] = append(times[s.what], s.at)
	}
	var excuses []incident
	for _, i := range v.incidents {
		if i.channel == "" || i.channel == channel {
			excuses = append(excuses, i)
		}
	}
	total := 0
	for _, name := range names {
		extra := len(times[name]) - max(calls(name), 1)
		for n := 1; n < len(times[name]) && extra > 0; n++ {
			before, after := times[name][n-1], times[name][n]
			i := slices.IndexFunc(excuses, func(i incident) bool { return before.Before(i.to) && after.After(i.from) })
			if i < 0 {
				continue
			}
			excuses = slices.Delete(excuses, i, i+1)
			extra--
			total++
		}
		if extra > 0 {
			v.find(user, "%s came to %s %d times, at %v, and only %d calls and incidents explain it", name, channel,
				len(times[name]), times[name], len(times[name])-extra)
			total += extra
		}
	}
	v.tally.duplicates += total
	return total
}
