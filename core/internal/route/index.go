package route

import (
	"slices"
	"strings"
	"time"
)

// candidates are the rules that can match one event of one channel. Rules with requirements are found by the facts of
// the input, so the number of such rules does not increase the cost of a decision. A candidate need not match.
type candidates struct {
	always  []int                       // rules without requirements, ascending
	byValue map[string]map[string][]int // key of a requirement → value → rules, ascending
	keys    []string                    // of byValue, sorted
	afters  []time.Duration             // of timer events: the values of `after`, ascending
}

func (t *Table) buildIndex(ch Channels) {
	t.words = newWordSearch(t.rules, maxNodes)
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
	if when == nil || len(when.requirements) == 0 {
		c.always = append(c.always, rule)
		return
	}
	for _, need := range when.requirements {
		values := c.byValue[need.key]
		if values == nil {
			values = map[string][]int{}
			c.byValue[need.key] = values
			c.keys = append(c.keys, need.key)
		}
		if list := values[need.value]; len(list) == 0 || list[len(list)-1] != rule {
			values[need.value] = append(list, rule)
		}
	}
}

// cursor iterates over the candidates of one Facts in ascending order. Each list is ascending.
type cursor [][]int

func (t *Table) candidates(in *input) cursor {
	c := t.candidatesOf(in.facts.Event, in.facts.Channel)
	if c == nil {
		return nil
	}
	var cur cursor
	if len(c.always) > 0 {
		cur = append(cur, c.always)
	}
	for _, key := range c.keys {
		var list []int
		if key == wordKey {
			if !in.searched {
				in.wordRules, in.searched = t.words.find(in.foldedText(), c.byValue[key]), true
			}
			list = in.wordRules
		} else {
			list = c.byValue[key][in.value(key)]
		}
		if len(list) > 0 {
			cur = append(cur, list)
		}
	}
	return cur
}

func (t *Table) candidatesOf(e Event, channel string) *candidates {
	byChannel := t.index[e]
	if c := byChannel[channel]; c != nil {
		return c
	}
	return byChannel[""]
}

// NextAfter returns the smallest `after` greater than done among the rules that can match an event of a channel. It
// returns 0 if there is none.
func (t *Table) NextAfter(e Event, channel string, done time.Duration) time.Duration {
	if c := t.candidatesOf(e, channel); c != nil {
		if i, _ := slices.BinarySearch(c.afters, done+1); i < len(c.afters) {
			return c.afters[i]
		}
	}
	return 0
}

// value returns the value of a requirement's key.
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

// next removes the lowest rule from all lists and returns it. It returns false at the end.
func (c cursor) next() (int, bool) {
	rule := -1
	for _, list := range c {
		if len(list) > 0 && (rule < 0 || list[0] < rule) {
			rule = list[0]
		}
	}
	for i, list := range c {
		if len(list) > 0 && list[0] == rule {
			c[i] = list[1:]
		}
	}
	return rule, rule >= 0
}

// skip removes the rules up to the given one.
func (c cursor) skip(rule int) {
	for i, list := range c {
		n, _ := slices.BinarySearch(list, rule+1)
		c[i] = list[n:]
	}
}
