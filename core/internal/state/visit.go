package state

import "time"

// All calls f for each conversation until it returns false. It decodes all conversations at rest, which takes about 1 µs
// for each.
func (s *State) All(f func(*Conversation) bool) {
	s.convs.visit(func(*summary) bool { return true }, f)
}

// EachBusy calls f for each conversation that has queued deliveries, held messages, a pending offer or a departure.
func (s *State) EachBusy(f func(*Conversation)) {
	s.convs.visit(func(sum *summary) bool { return sum.busy }, func(c *Conversation) bool {
		if c.isBusy() {
			f(c)
		}
		return true
	})
}

// EachUnanswered calls f for each customer's message without an answer, with the AwaitedChannel and its time.
func (s *State) EachUnanswered(f func(channel string, since time.Time)) {
	atRest := func(sum *summary) bool {
		if sum.unanswered != 0 {
			f(s.convs.owners.names[sum.awaited], time.Unix(0, sum.unanswered))
		}
		return false
	}
	s.convs.visit(atRest, func(c *Conversation) bool {
		if !c.UnansweredSince.IsZero() {
			f(c.AwaitedChannel(), c.UnansweredSince)
		}
		return true
	})
}

// Open returns the number of conversations that are not closed.
func (s *State) Open() int {
	n := 0
	atRest := func(sum *summary) bool {
		if !sum.closing {
			n++
		}
		return false
	}
	s.convs.visit(atRest, func(c *Conversation) bool {
		if c.Closing == "" {
			n++
		}
		return true
	})
	return n
}

// oldestNeeded is State.OldestNeeded for the conversations.
func (s *conversations) oldestNeeded(limit uint64, history bool) (low uint64, by string) {
	low = limit
	first := func(sum *summary) uint64 {
		oldest := low
		if sum.oldest != 0 {
			oldest = min(oldest, sum.oldest)
		}
		if history && sum.history != 0 {
			oldest = min(oldest, sum.history)
		}
		return oldest
	}
	s.visit(func(sum *summary) bool { return first(sum) < low }, func(c *Conversation) bool {
		sum := s.owners.summarize(c)
		if oldest := first(&sum); oldest < low {
			low, by = oldest, c.ID
		}
		return true
	})
	return low, by
}

// Page calls f for the next conversations at or after a position, at most the given number, and returns the next position. It
// starts at 0, and returns 0 at the end. A conversation that exists from the first to the last of these calls is
// visited once.
func (s *State) Page(from uint64, most int, f func(*Conversation)) (next uint64) {
	for page := from >> 32; page < convBuckets; page, from = page+1, 0 {
		for i := from & (1<<32 - 1); i < uint64(len(s.convs.pages[page].entries)); i++ {
			if most == 0 {
				return page<<32 | i
			}
			if c := s.convs.at(place(i)*convBuckets + place(page)); c != nil {
				f(c)
				most--
			}
		}
	}
	return 0
}
