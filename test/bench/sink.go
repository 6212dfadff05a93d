package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// position identifies a message in a load.
type position struct {
	user   int
	number int       // number among the messages of this customer in this load, from 0
	due    time.Time // time at which the message should be sent
}

// probe is the customer whose messages the sink does not record.
const probe = -1

// layout is the format of a position in the text of a message: mark, nanoseconds since 1970, user, number.
const mark, layout = "sent-at-", mark + "%d-%d-%d"

func (m position) String() string { return fmt.Sprintf(layout, m.due.UnixNano(), m.user, m.number) }

// arrival is a message that the sink received.
type arrival struct {
	position
	at time.Time
}

// sink receives the messages of the programs. It simulates the endpoints of GPTBots that the gateway calls. Calls below
// /hang hang until the caller cancels them.
type sink struct {
	*httptest.Server
	down         atomic.Bool  // all calls fail
	blockedUntil atomic.Int64 // time until which calls wait, in nanoseconds since 1970
	opened       atomic.Int64 // number of conversations
	mu           sync.Mutex
	arrivals     []arrival
}

// newSink starts a sink.
func newSink() *sink {
	s := &sink{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/conversation", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"conversation_id":"%024x"}`, s.opened.Add(1))
	})
	mux.HandleFunc("POST /v2/conversation/message", s.recordMessage)
	mux.HandleFunc("POST /forwarded", s.recordMessage)
	mux.HandleFunc("POST /hang/", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // net/http detects that the caller disconnects only after this
		<-r.Context().Done()
	})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		time.Sleep(time.Until(time.Unix(0, s.blockedUntil.Load())))
		mux.ServeHTTP(w, r)
	}))
	return s
}

func (s *sink) recordMessage(w http.ResponseWriter, r *http.Request) {
	a := arrival{at: time.Now()}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if at := bytes.LastIndex(body, []byte(mark)); at >= 0 {
		var due int64
		_, _ = fmt.Sscanf(string(body[at:]), layout, &due, &a.user, &a.number) // check finds wrong values
		a.due = time.Unix(0, due)
		if a.user != probe {
			s.mu.Lock()
			s.arrivals = append(s.arrivals, a)
			s.mu.Unlock()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{}`))
}

// reset removes the arrivals.
func (s *sink) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrivals = nil
}

// arrived returns the number of arrivals since the reset.
func (s *sink) arrived() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.arrivals)
}

// await waits until all accepted messages of a load have arrived, and returns the arrivals since the reset. It returns
// an error if a message arrives twice or, in an ordered load, before an earlier message of its customer.
func (s *sink) await(ctx context.Context, load *loadResult) ([]arrival, error) {
	ctx, cancel := context.WithTimeout(ctx, messageTimeout)
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
			return nil, fmt.Errorf("%d messages were accepted, %d arrived within %s", accepted, len(all), messageTimeout)
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
