package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// place is the place of a message in a load.
type place struct {
	user   int
	number int       // among the messages of this customer in this load, from 0
	due    time.Time // when it was to be sent
}

// mark precedes the place in the text of a message.
const (
	mark   = "sent-at-"
	layout = mark + "%019d-%07d-%07d" // nanoseconds since 1970, user, number
	length = len(mark) + 19 + 1 + 7 + 1 + 7
)

func (m place) String() string { return fmt.Sprintf(layout, m.due.UnixNano(), m.user, m.number) }

// arrival is a message that the sink received.
type arrival struct {
	place
	at time.Time
}

// sink receives the messages of the programs. It simulates the calls of GPTBots that the gateway makes.
type sink struct {
	*httptest.Server
	mu       sync.Mutex
	arrivals []arrival
	opened   int
}

// newSink returns a sink that listens.
func newSink() *sink {
	s := &sink{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/conversation", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		s.opened++
		id := s.opened
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"conversation_id":"%024x"}`, id)
	})
	mux.HandleFunc("POST /v2/conversation/message", s.arrive)
	mux.HandleFunc("POST /forwarded", s.arrive)
	s.Server = httptest.NewServer(mux)
	return s
}

func (s *sink) arrive(w http.ResponseWriter, r *http.Request) {
	a := arrival{at: time.Now()}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if at := bytes.LastIndex(body, []byte(mark)); at >= 0 && len(body) >= at+length {
		digits := string(body[at+len(mark) : at+length])
		due, _ := strconv.ParseInt(digits[:19], 10, 64) // what cannot be parsed is 0, which check finds
		a.user, _ = strconv.Atoi(digits[20:27])
		a.number, _ = strconv.Atoi(digits[28:])
		a.due = time.Unix(0, due)
		s.mu.Lock()
		s.arrivals = append(s.arrivals, a)
		s.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{}`))
}

// reset forgets the arrivals.
func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = nil
}

// await waits until all accepted messages have arrived since the reset, and returns their arrivals. It is an error if
// one arrives twice or, in an ordered load, before an earlier message of its customer.
func (s *sink) await(ctx context.Context, load *sent) ([]arrival, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	accepted := len(load.latencies)
	for {
		s.mu.Lock()
		all := s.arrivals
		s.mu.Unlock()
		if len(all) >= accepted {
			return all, check(all, accepted, load.ordered)
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("%d messages were accepted, %d arrived within %s", accepted, len(all), patience)
		}
	}
}

func check(all []arrival, accepted int, ordered bool) error {
	type id struct{ user, number int }
	seen, next := make(map[id]bool, len(all)), map[int]int{}
	for _, a := range all {
		if ordered && a.number != next[a.user] {
			return fmt.Errorf("message %d of customer %d arrived when %d was next", a.number, a.user, next[a.user])
		}
		seen[id{a.user, a.number}], next[a.user] = true, a.number+1
	}
	if len(seen) != len(all) || len(all) != accepted {
		return fmt.Errorf("%d messages were accepted, %d arrived, %d of them different", accepted, len(all), len(seen))
	}
	return nil
}
