package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// messageTimeout is the maximum time in which a sender repeats a refused message, and the maximum time in which the
// sink waits for accepted messages.
const messageTimeout = 2 * time.Minute

// message returns the body of a customer's message in the format of the adapter native. The text ends with the position
// of the message, which the sink reads.
func message(id int64, m position, padding int) []byte {
	const format = `{"userId":"user-%[1]d","accessToken":"bench-token","messageId":"m-%d","payload":{"userSay":"The ` +
		`parcel with my order has still not come, can you look it up please? %*s%s","userInfo":{"id":"user-%[1]d"},` +
		`"userData":{"targetAgents":["example_qa"]}}}`
	return fmt.Appendf(nil, format, m.user, id, padding, "", m)
}

var lastMessageID atomic.Int64

// loadResult is the result of a load.
type loadResult struct {
	began   time.Time
	length  time.Duration // of the load; messages in flight at its end take longer
	ordered bool          // each customer's messages were sent one after the other

	mu        sync.Mutex
	latencies []time.Duration // of accepted messages: from the time when each was due to its acceptance
	refused   int             // number of responses 429 and 503
	err       error           // the reason why the last failed message was not accepted
}

// post sends one message. If it is refused, post repeats it after Retry-After, as a vendor does.
func (s *loadResult) post(to *subject, m position) {
	id, due := lastMessageID.Add(1), m.due
	for {
		wait, err := to.request(message(id, m, to.padding))
		now := time.Now()
		if wait > 0 && now.Sub(due) > messageTimeout {
			err = fmt.Errorf("refused for %s", messageTimeout)
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

// load sends messages to a program. It returns when they are accepted or have failed.
type load func(ctx context.Context, s *subject) *loadResult

// atRate sends a number of messages per second. It does not wait for responses, so that the latencies include stalls.
func atRate(perSecond int, d time.Duration) load {
	return func(ctx context.Context, s *subject) *loadResult {
		out := &loadResult{began: time.Now(), length: d}
		var wait sync.WaitGroup
		for i := range int(d.Seconds() * float64(perSecond)) {
			due := out.began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			time.Sleep(time.Until(due))
			wait.Go(func() { out.post(s, position{i % s.users, i / s.users, due}) })
		}
		wait.Wait()
		return out
	}
}

// saturate sends without pauses. Each sender has a part of the customers and sends their messages one after the other.
func saturate(senders int, d time.Duration) load {
	return func(ctx context.Context, s *subject) *loadResult {
		out := &loadResult{began: time.Now(), length: d, ordered: true}
		out.send(ctx, s, senders, func(int) bool { return time.Since(out.began) < d })
		return out
	}
}

// oneMessageEach is a load with one message of each customer.
func oneMessageEach(ctx context.Context, s *subject) *loadResult {
	out := &loadResult{ordered: true}
	out.send(ctx, s, *senders, func(number int) bool { return number == 0 })
	return out
}

// send sends messages until more returns false. more gets the number of a customer's next message. The first customer
// is random.
func (s *loadResult) send(ctx context.Context, to *subject, senders int, more func(number int) bool) {
	first := rand.IntN(to.users)
	var wait sync.WaitGroup
	for sender := range min(to.users, senders) {
		wait.Go(func() {
			for number := 0; ; number++ {
				for i := sender; i < to.users; i += senders {
					if !more(number) || ctx.Err() != nil {
						return
					}
					s.post(to, position{(first + i) % to.users, number, time.Now()})
				}
			}
		})
	}
	wait.Wait()
}
