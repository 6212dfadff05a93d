package writer

import (
	"fmt"
	"time"
)

// lessen makes a batch smaller whose record does not fit into the log: the later half of its inputs waits for the
// next record. If a single input is too much alone, it is given up as undecided.
func (w *Writer) lessen(b *batch, why string) {
	n := len(b.results) + len(b.ticks) + len(b.commands) + len(b.webhooks)
	if b.orphans && n > 0 { // their deadline has passed, so they come back at once
		b.orphans = false
		return
	}
	if b.letters && n > 0 {
		b.letters = false
		return
	}
	if b.adopt && n > 0 {
		b.adopt = false
		return
	}
	if n <= 1 {
		w.giveUp(b, why)
		return
	}
	keep := n / 2
	take := func(have int) int {
		kept := min(have, keep)
		keep -= kept
		return kept
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	i := take(len(b.results))
	w.results = append(b.results[i:len(b.results):len(b.results)], w.results...)
	b.results = b.results[:i:i]
	i = take(len(b.ticks))
	for _, id := range b.ticks[i:] {
		if id != "" {
			w.timers.set(id, time.Now())
		}
	}
	b.ticks = b.ticks[:i]
	i = take(len(b.commands))
	w.commands = append(b.commands[i:len(b.commands):len(b.commands)], w.commands...)
	b.commands = b.commands[:i:i]
	i = take(len(b.webhooks))
	w.webhooks = append(b.webhooks[i:len(b.webhooks):len(b.webhooks)], w.webhooks...)
	b.webhooks = b.webhooks[:i:i]
	w.poke()
}

// giveUp takes the only input of a batch out of it, or leaves what says that it was given up.
func (w *Writer) giveUp(b *batch, why string) {
	w.Logger.Error("decision does not fit into a record", "error", why)
	if b.adopt { // they are given up when their time comes
		b.adopt, w.adoptAt = false, time.Now().Add(time.Minute)
	}
	for i, o := range b.results {
		b.results[i] = undecided(o, why)
	}
	for i, id := range b.ticks {
		b.ticks[i] = ""
		w.timers.set(id, time.Now().Add(time.Minute))
	}
	for _, c := range b.commands {
		c.turn, c.err = nil, fmt.Errorf("decide: %s", why)
	}
	for _, h := range b.webhooks {
		b.poison(h, why)
	}
}
