package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a sender repeats a refused message, and how long the sink waits for accepted messages.
const patience = 2 * time.Minute

// message is a customer's message: the documented native request. Its text ends with the place of the message, which
// the sink reads.
func message(id int64, m place, padding int) []byte {
	const format = `{"userId":"user-%[1]d","accessToken":"bench-token","messageId":"m-%d","payload":{"userSay":"The ` +
		`parcel with my order has still not come, can you look it up please? %*s%s","userInfo":{"id":"user-%[1]d"},` +
		`"userData":{"targetAgents":["example_qa"]}}}`
	return fmt.Appendf(nil, format, m.user, id, padding, "", m)
}

var serial atomic.Int64

// sent is the outcome of a load.
type sent struct {
	began   time.Time
	length  time.Duration // of the load, without the messages that were in flight at its end
	ordered bool          // each customer's messages were sent one after the other

	mu        sync.Mutex
	latencies []time.Duration // of the accepted messages until they were accepted, from the time when they were due
	refused   int             // responses 429 and 503
	err       error           // of the last message that was not accepted
}

// post sends one message until it is accepted. Like a vendor, it repeats a refused message after Retry-After.
func (s *sent) post(to *subject, m place) {
	id, due := serial.Add(1), m.due
	for {
		wait, err := to.try(message(id, m, to.padding))
		now := time.Now()
		if wait > 0 && now.Sub(due) > patience {
			err = fmt.Errorf("refused for %s", patience)
		}
		s.mu.Lock()
		switch {
		case err != nil:
			s.err = err
		case wait > 0:
			s.refused++
		default:
			s.latencies = append(s.latencies, now.Sub(due))
		}
		s.mu.Unlock()
		if err != nil || wait == 0 {
			return
		}
		time.Sleep(wait)
		m.due = time.Now()
	}
}

// load sends messages to a program and returns when they are accepted.
type load func(ctx context.Context, s *subject) *sent

// atRate sends a number of messages per second without waiting for responses, so that the latencies include stalls.
func atRate(perSecond int, d time.Duration) load {
	return func(ctx context.Context, s *subject) *sent {
		out := &sent{began: time.Now(), length: d}
		var wait sync.WaitGroup
		for i := range int(d.Seconds() * float64(perSecond)) {
			due := out.began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			time.Sleep(time.Until(due))
			wait.Go(func() { out.post(s, place{i % s.users, i / s.users, due}) })
		}
		wait.Wait()
		return out
	}
}

// saturate sends without pauses. Each of the senders sends the messages of its customers, one after the other.
func saturate(senders int, d time.Duration) load {
	return func(ctx context.Context, s *subject) *sent {
		out := &sent{began: time.Now(), length: d, ordered: true}
		out.send(ctx, s, senders, func(int) bool { return time.Since(out.began) < d })
		return out
	}
}

// once sends one message of each customer.
func once(ctx context.Context, s *subject) *sent {
	out := &sent{ordered: true}
	out.send(ctx, s, *senders, func(number int) bool { return number == 0 })
	return out
}

// send sends messages until more returns false for the number of a customer's next message. It begins with a random
// customer.
func (s *sent) send(ctx context.Context, to *subject, senders int, more func(number int) bool) {
	first := rand.IntN(to.users)
	var wait sync.WaitGroup
	for sender := range min(to.users, senders) {
		wait.Go(func() {
			for number := 0; ; number++ {
				for i := sender; i < to.users; i += senders {
					if !more(number) || ctx.Err() != nil {
						return
					}
					s.post(to, place{(first + i) % to.users, number, time.Now()})
				}
			}
		})
	}
	wait.Wait()
}
