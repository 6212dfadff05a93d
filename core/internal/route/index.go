package route

import (
	"slices"
	"strings"
	"time"
)

// candidates are the rules that one event of one channel can match. Rules whose condition requires a variable or
// attribute to have a fixed value are found by that value, so that many such rules cost as much as one.
type candidates struct {
	always  []int                       // ascending
	byValue map[string]map[string][]int // key of a term → value → rules, ascending
	keys    []string                    // of byValue, sorted
	afters  []time.Duration             // of timer events: the values of `after`, ascending
}

func (t *Table) buildIndex(ch Channels) {
	t.index = map[Event]map[string]*candidates{}
	for i := range t.rules {
		for _, e := range t.rules[i].rule.Events {
			if t.index[e] == nil {
				t.index[e] = map[string]*candidates{"": {byValue: map[string]map[string][]int{}}}
				for name := range ch {
					t.index[e][name] = &candidates{byValue: map[string]map[string][]int{}}
				}
			}
			for name, role := range ch {
				if t.rules[i].rule.admits(name, role) {
					t.add(e, name, i)
				}
			}
			t.add(e, "", i)
		}
	}
	for _, byChannel := range t.index {
		for _, c := range byChannel {
			slices.Sort(c.keys)
			slices.Sort(c.afters)
			c.afters = slices.Compact(c.afters)
		}
	}
}

func (t *Table) add(e Event, channel string, rule int) {
	c := t.index[e][channel]
	if after := t.rules[rule].rule.After; after > 0 {
		c.afters = append(c.afters, after)
	}
	when := t.rules[rule].when
	if when == nil || len(when.terms) == 0 {
		c.always = append(c.always, rule)
		return
	}
	term := bestTerm(when.terms)
	values := c.byValue[term.key]
	if values == nil {
		values = map[string][]int{}
		c.byValue[term.key] = values
		c.keys = append(c.keys, term.key)
	}
	values[term.value] = append(values[term.value], rule)
}

// bestTerm prefers attributes and senders, which have more different values than roles and channels.
func bestTerm(list []term) term {
	best := list[0]
	for _, t := range list[1:] {
		if rank(t) > rank(best) {
			best = t
		}
	}
	return best
}

func rank(t term) int {
	switch {
	case t.key[0] == '@' || t.key[0] == '#':
		return 3
	case t.key == "sender_id" || t.key == "sender_name" || t.key == "reason":
		return 2
	case t.key == "role" || t.key == "owner_role":
		return 0
	}
	return 1
}

// cursor iterates over the candidates of one Facts in ascending order.
type cursor struct {
	lists [][]int
	array [8][]int // backs lists
}

func (t *Table) candidates(in *input, cur *cursor) {
	c := t.candidatesOf(in.facts.Event, in.facts.Channel)
	if c == nil {
		return
	}
	cur.lists = cur.array[:0]
	if len(c.always) > 0 {
		cur.lists = append(cur.lists, c.always)
	}
	for _, key := range c.keys {
		if list := c.byValue[key][in.value(key)]; len(list) > 0 {
			cur.lists = append(cur.lists, list)
		}
	}
}

func (t *Table) candidatesOf(e Event, channel string) *candidates {
	byChannel := t.index[e]
	if c := byChannel[channel]; c != nil {
		return c
	}
	return byChannel[""]
}

// NextAfter returns the smallest `after` greater than done among the rules that an event of a channel can match. It
// returns 0 if there is none.
func (t *Table) NextAfter(e Event, channel string, done time.Duration) time.Duration {
	if c := t.candidatesOf(e, channel); c != nil {
		if i, _ := slices.BinarySearch(c.afters, done+1); i < len(c.afters) {
			return c.afters[i]
		}
	}
	return 0
}

// value returns the value of a term's key.
func (in *input) value(key string) string {
	switch key[0] {
	case '@':
		return in.facts.Attributes[key[1:]]
	case '#':
		attribute, path, _ := strings.Cut(key[1:], "\x00")
		return in.data(attribute, path)
	}
	s, _ := in.facts.shortText(key)
	return s
}

// next returns the next rule.
func (c *cursor) next() (int, bool) {
	best := -1
	for i, list := range c.lists {
		if len(list) > 0 && (best < 0 || list[0] < c.lists[best][0]) {
			best = i
		}
	}
	if best < 0 {
		return 0, false
	}
	rule := c.lists[best][0]
	c.lists[best] = c.lists[best][1:]
	return rule, true
}
