package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// fakeStore stores the envelopes and the cursor of a subscription.
type fakeStore struct {
	mu     sync.Mutex
	texts  []string
	cursor []byte
	before func(text string) error // called with each message before it is stored
	after  func(text string)
}

func (s *fakeStore) store(ctx context.Context, envelopes [][]byte, cursor []byte) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, b := range envelopes {
		e, err := protocol.DecodeEnvelope(b)
		if err != nil {
			return err
		}
		if s.before != nil {
			if err := s.before(e.Text()); err != nil {
				return err
			}
		}
		s.mu.Lock()
		s.texts = append(s.texts, e.Text())
		if len(cursor) > 0 {
			s.cursor = cursor
		}
		s.mu.Unlock()
		if s.after != nil {
			s.after(e.Text())
		}
	}
	return nil
}

func (s *fakeStore) from() *pluginpb.SubscribeRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pluginpb.SubscribeRequest{Channel: "c", Cursor: s.cursor}
}

func (s *fakeStore) expectStored(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if diff := cmp.Diff(want, s.texts); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestSubscribeStoresBatchesInOrder(t *testing.T) {
	r := run(t, "")
	ctx, cancel := context.WithCancel(r.ctx())
	s := &fakeStore{after: func(text string) {
		if text == "5" {
			cancel()
		}
	}}
	if err := r.Subscribe(ctx, s.from(), s.store); err != nil {
		t.Errorf("Subscribe = %v, want nil: it was stopped", err)
	}
	s.expectStored(t, "1", "2", "3", "4", "5")
	if string(s.cursor) != "5" {
		t.Errorf("cursor %q", s.cursor)
	}
}

// The process is killed after a batch was stored and before the batch is acknowledged.
func TestSubscribeContinuesAtTheCursorAfterACrash(t *testing.T) {
	r := run(t, "")
	ctx, cancel := context.WithCancel(r.ctx())
	s := &fakeStore{}
	s.after = func(text string) {
		switch text {
		case "2":
			if err := syscall.Kill(r.Status().PID, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
			r.waitFor("a second process", func(st Status) bool { return st.Instance == 2 })
		case "5":
			cancel()
		}
	}
	if err := r.Subscribe(ctx, s.from(), s.store); err == nil || !strings.Contains(err.Error(), "subscribe on c: ") {
		t.Errorf("Subscribe = %v, want the process's end", err)
	}
	if err := r.Subscribe(ctx, s.from(), s.store); err != nil {
		t.Errorf("Subscribe = %v", err)
	}
	s.expectStored(t, "1", "2", "3", "4", "5")
}

func TestSubscribeEndsWithTheErrorOfStore(t *testing.T) {
	r := run(t, "")
	full := errors.New("no room")
	s := &fakeStore{before: func(text string) error {
		if text == "3" {
			return full
		}
		return nil
	}}
	if err := r.Subscribe(r.ctx(), s.from(), s.store); !errors.Is(err, full) {
		t.Errorf("Subscribe = %v, want the error of store", err)
	}
	s.expectStored(t, "1", "2")
	s.before = nil
	ctx, cancel := context.WithCancel(r.ctx())
	s.after = func(text string) {
		if text == "5" {
			cancel()
		}
	}
	if err := r.Subscribe(ctx, s.from(), s.store); err != nil {
		t.Errorf("Subscribe = %v", err)
	}
	s.expectStored(t, "1", "2", "3", "4", "5")
}

func TestSubscribeReturnsTheAdaptersFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault string
		want  string // in the error; "" is none
		kind  sdk.ErrorKind
	}{
		"returns early":   {"/early", "", ""},
		"fails":           {"/error", "something broke", sdk.KindTransient},
		"is unauthorized": {"/refuse", "wrong signature", sdk.KindUnauthorized},
		"panics":          {"/panic", "panicked: hostile fault", sdk.KindPanicked},
		"crashes":         {"/crash", "ended", ""},
		"exits":           {"/exit", "ended", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, "")
			s := &fakeStore{}
			err := r.Subscribe(r.ctx(), &pluginpb.SubscribeRequest{Channel: "c", Cursor: []byte(tc.fault)}, s.store)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("Subscribe = %v, want %q", err, tc.want)
			}
			if e, typed := errors.AsType[*sdk.Error](err); typed != (tc.kind != "") || typed && e.Kind != tc.kind {
				t.Errorf("error %#v, want kind %q", err, tc.kind)
			}
			s.expectStored(t, "0 threads")
			s.texts = nil
			if err := r.Subscribe(r.ctx(), &pluginpb.SubscribeRequest{Channel: "c", Cursor: []byte("/early")}, s.store); err != nil {
				t.Errorf("the next Subscribe = %v", err)
			}
		})
	}
}

func TestSubscribeStoresBatchesEmittedWhileStopping(t *testing.T) {
	r := run(t, "")
	ctx, cancel := context.WithCancel(r.ctx())
	s := &fakeStore{after: func(string) { cancel() }}
	if err := r.Subscribe(ctx, &pluginpb.SubscribeRequest{Channel: "c", Cursor: []byte("/parting")}, s.store); err != nil {
		t.Errorf("Subscribe = %v", err)
	}
	s.expectStored(t, "0 threads", "emitted after the stop")
}

func TestSubscribeAbandonsAnAdapterThatDoesNotStop(t *testing.T) {
	t.Parallel()
	r := run(t, "")
	ctx, cancel := context.WithCancel(r.ctx())
	s := &fakeStore{after: func(string) { cancel() }}
	began := time.Now()
	if err := r.Subscribe(ctx, &pluginpb.SubscribeRequest{Channel: "c", Cursor: []byte("/stubborn")}, s.store); err != nil {
		t.Errorf("Subscribe = %v", err)
	}
	if took := time.Since(began); took < stopGrace {
		t.Errorf("the adapter had %s to return, want %s", took, stopGrace)
	}
}

func TestRestartEndsSubscriptions(t *testing.T) {
	r := run(t, "")
	r.ready()
	s := &fakeStore{after: func(string) { r.Restart() }}
	if err := r.Subscribe(r.ctx(), &pluginpb.SubscribeRequest{Channel: "c", Cursor: []byte("/subscribe")}, s.store); err != nil {
		t.Errorf("Subscribe = %v, want nil: the adapter stopped in order", err)
	}
	s.expectStored(t, "0 threads")
}

func TestSubscribeSendsManyThreads(t *testing.T) {
	r := run(t, "")
	from := &pluginpb.SubscribeRequest{Channel: "c", Cursor: []byte("/early")}
	for i := range 3000 { // 12 MB: more than one message may have
		from.Threads = append(from.Threads, &pluginpb.LiveThread{Thread: fmt.Sprint("t", i), State: make([]byte, sdk.MaxStateBytes)})
	}
	s := &fakeStore{}
	if err := r.Subscribe(r.ctx(), from, s.store); err != nil {
		t.Errorf("Subscribe = %v", err)
	}
	s.expectStored(t, "3000 threads")
}
