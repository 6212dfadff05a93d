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

// EachUnanswered calls f for each conversation whose customer waits for an answer, with its AwaitedChannel and
// UnansweredSince.
func (s *State) EachUnanswered(f func(channel string, since time.Time)) {
	atRest := func(sum *summary) bool {
		if sum.unanswered != 0 {
			f(s.convs.awaited.names[sum.awaited], time.Unix(0, sum.unanswered))
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

// LiveCount returns the number of live conversations.
func (s *State) LiveCount() int {
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

// oldestNeeded implements State.OldestNeeded for the conversations. It decodes only those that lower the result.
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
		sum := s.awaited.summarize(c)
		if oldest := first(&sum); oldest < low {
			low, by = oldest, c.ID
		}
		return true
	})
	return low, by
}

// Page calls f for at most the given number of conversations from a position on, and returns the position for the next
// call. The first position is 0; at the end, Page returns 0. A conversation that exists during the whole series of
// calls is visited once.
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
