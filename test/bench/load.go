package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// client sends load; many connections stay open.
var client = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: 2048, MaxConnsPerHost: 2048}, Timeout: 30 * time.Second,
}

// patience is how long a sender repeats a refused message, and how long the sink waits for accepted messages.
const patience = 2 * time.Minute

// message is a customer's message: the documented native request. Its text ends with the place of the message, which
// the sink reads.
func message(m place) []byte {
	const text = "The parcel with my order has still not come, can you look it up please? "
	return fmt.Appendf(nil, `{"userId":"user-%d","accessToken":"bench-token","messageId":"m-%d","payload":{"userSay":"%s%s",`+
		`"userInfo":{"id":"user-%d"},"userData":{"targetAgents":["example_qa"]}}}`, m.user, serial.Add(1), text, m, m.user)
}

var serial atomic.Int64

// sent is the outcome of a load.
type sent struct {
	began   time.Time
	length  time.Duration // of the load, without the messages that were in flight at its end
	ordered bool          // each customer's messages were sent one after the other

	mu        sync.Mutex
	latencies []time.Duration // of the accepted messages until they were accepted, from the time when they were due
	last      time.Time       // when the last message was accepted
	refused   int             // responses 429 and 503
	err       error           // of the last message that was not accepted
}

// post sends one message until it is accepted. Like a vendor, it repeats a refused message after Retry-After.
func (s *sent) post(ctx context.Context, url string, m place) {
	body := message(m)
	for ctx.Err() == nil {
		wait, err := try(ctx, url, body)
		now := time.Now()
		s.mu.Lock()
		switch {
		case err != nil:
			s.err = err
		case wait > 0:
			s.refused++
		default:
			s.latencies, s.last = append(s.latencies, now.Sub(m.due)), now
		}
		s.mu.Unlock()
		if err != nil || wait == 0 || now.Sub(m.due) > patience {
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// try makes one request. If wait is not 0, the message was refused and must be repeated after this time.
func try(ctx context.Context, url string, body []byte) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return 0, nil
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 1 s if it is missing
		return time.Duration(max(1, after)) * time.Second, nil
	}
	return 0, fmt.Errorf("status %d", resp.StatusCode)
}

// load sends messages to a program and returns when they are accepted.
type load func(ctx context.Context, url string) *sent

// atRate sends a number of messages per second without waiting for responses, so that the latencies include stalls.
func atRate(users, perSecond int, d time.Duration) load {
	return func(ctx context.Context, url string) *sent {
		out := &sent{began: time.Now(), length: d}
		var wait sync.WaitGroup
		for i := range int(d.Seconds() * float64(perSecond)) {
			due := out.began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			time.Sleep(time.Until(due))
			wait.Go(func() { out.post(ctx, url, place{user: i % users, number: i / users, due: due}) })
		}
		wait.Wait()
		return out
	}
}

// saturate sends without pauses. Each of the senders sends the messages of its customers, one after the other.
func saturate(users, senders int, d time.Duration) load {
	return func(ctx context.Context, url string) *sent {
		end := time.Now().Add(d)
		return send(ctx, url, users, senders, d, func(int) bool { return time.Now().Before(end) })
	}
}

// once sends one message of each customer.
func once(users, senders int) load {
	return func(ctx context.Context, url string) *sent {
		return send(ctx, url, users, senders, 0, func(number int) bool { return number == 0 })
	}
}

// send sends messages until more returns false for the number of a customer's next message.
func send(ctx context.Context, url string, users, senders int, d time.Duration, more func(number int) bool) *sent {
	out := &sent{began: time.Now(), length: d, ordered: true}
	var wait sync.WaitGroup
	for first := range min(users, senders) {
		wait.Go(func() {
			for number := 0; ; number++ {
				for user := first; user < users; user += senders {
					if !more(number) || ctx.Err() != nil {
						return
					}
					out.post(ctx, url, place{user, number, time.Now()})
				}
			}
		})
	}
	wait.Wait()
	return out
}
