package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// client sends load; many connections stay open.
var client = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: 1024, MaxConnsPerHost: 1024}, Timeout: 30 * time.Second,
}

// message is a customer's message: the documented native request.
func message(user int, serial int64, at time.Time) []byte {
	const text = "The parcel with my order has still not come, can you look it up please? sent-at-"
	return fmt.Appendf(nil, `{"userId":"user-%d","accessToken":"bench-token","messageId":"m-%d","payload":{"userSay":"%s%d",`+
		`"userInfo":{"id":"user-%d"},"userData":{"targetAgents":["example_qa"]}}}`, user, serial, text, at.UnixNano(), user)
}

var serial atomic.Int64

// post sends one message and returns how long it took to be accepted.
func post(ctx context.Context, url string, user int, at time.Time) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(message(user, serial.Add(1), at)))
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
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	return time.Since(at), nil
}

// sent is the outcome of a load.
type sent struct {
	mu        sync.Mutex
	count     int
	failed    int
	latencies []time.Duration // until accepted, from the time the message was due
	err       error           // of the last failure
}

func (s *sent) add(took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed++
		s.err = err
		return
	}
	s.count++
	s.latencies = append(s.latencies, took)
}

// atRate sends at a fixed rate without waiting for responses, so that the latencies include stalls.
func atRate(ctx context.Context, url string, users, perSecond int, d time.Duration) *sent {
	var out sent
	var wait sync.WaitGroup
	began := time.Now()
	for i := range int(d.Seconds() * float64(perSecond)) {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		time.Sleep(time.Until(due))
		wait.Go(func() { out.add(post(ctx, url, i%users, due)) })
	}
	wait.Wait()
	return &out
}

// saturate sends messages with a number of workers, each without pauses.
func saturate(ctx context.Context, url string, users, workers int, d time.Duration) *sent {
	end := time.Now().Add(d)
	return send(ctx, url, workers, func(i int) (user int, more bool) {
		return i % users, time.Now().Before(end) && ctx.Err() == nil
	})
}

// send sends messages by a number of workers until more is false. next returns the customer of the i-th message.
func send(ctx context.Context, url string, workers int, next func(i int) (user int, more bool)) *sent {
	var out sent
	var wait sync.WaitGroup
	var i atomic.Int64
	for range workers {
		wait.Go(func() {
			for {
				user, more := next(int(i.Add(1) - 1))
				if !more {
					return
				}
				out.add(post(ctx, url, user, time.Now()))
			}
		})
	}
	wait.Wait()
	return &out
}

func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted[int(q*float64(len(sorted)-1))]
}
