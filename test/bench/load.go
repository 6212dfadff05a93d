package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// client sends load; many connections stay open.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024, MaxConnsPerHost: 1024}, Timeout: 30 * time.Second}

// message is what one customer says: the documented native request.
func message(user int, serial int64, at time.Time) []byte {
	id := "user-" + strconv.Itoa(user)
	return []byte(`{"userId":"` + id + `","accessToken":"bench-token","messageId":"m-` + strconv.FormatInt(serial, 10) +
		`","payload":{"userSay":"The parcel with my order has still not come, can you look it up please? sent-at-` + strconv.FormatInt(at.UnixNano(), 10) +
		`","userInfo":{"id":"` + id + `"},"userData":{"targetAgents":["example_qa"]}}}`)
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

// sent is what came of some load.
type sent struct {
	count     int
	failed    int
	latencies []time.Duration // until accepted, from the time the message was due
	took      time.Duration
	err       error
}

// atRate sends at a fixed rate, whatever the answers: an open loop, so that a stall shows in the latencies.
func atRate(ctx context.Context, url string, users, perSecond int, d time.Duration) sent {
	var (
		mu   sync.Mutex
		out  sent
		wait sync.WaitGroup
	)
	began := time.Now()
	total := int(d.Seconds() * float64(perSecond))
	for i := range total {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		if pause := time.Until(due); pause > 0 {
			time.Sleep(pause)
		}
		wait.Go(func() {
			took, err := post(ctx, url, i%users, due)
			mu.Lock()
			defer mu.Unlock()
			out.note(took, err)
		})
	}
	wait.Wait()
	out.took = time.Since(began)
	return out
}

// saturate keeps a number of senders busy.
func saturate(ctx context.Context, url string, users, workers int, d time.Duration) sent {
	var (
		mu   sync.Mutex
		out  sent
		wait sync.WaitGroup
		next atomic.Int64
	)
	began := time.Now()
	for range workers {
		wait.Go(func() {
			for time.Since(began) < d && ctx.Err() == nil {
				took, err := post(ctx, url, int(next.Add(1))%users, time.Now())
				mu.Lock()
				out.note(took, err)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	out.took = time.Since(began)
	return out
}

func (s *sent) note(took time.Duration, err error) {
	if err != nil {
		s.failed++
		s.err = err
		return
	}
	s.count++
	s.latencies = append(s.latencies, took)
}

func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Clone(list)
	slices.Sort(sorted)
	return sorted[int(q*float64(len(sorted)-1))]
}

// sinkStats asks the sink.
func sinkStats(ctx context.Context, addr string) (s stats, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/stats", nil)
	if err != nil {
		return s, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	return s, json.NewDecoder(resp.Body).Decode(&s)
}

func resetSink(ctx context.Context, addr string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/reset", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
