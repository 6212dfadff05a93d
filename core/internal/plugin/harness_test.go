package plugin

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// waitLimit is the maximum time of each wait in the tests.
const waitLimit = 30 * time.Second

// runningHost is a running Host and its log output.
type runningHost struct {
	*Host
	t      *testing.T
	dir    string
	logs   *logRecorder
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// run starts a host for the hostile adapter. Its timeouts are short, and calls wait for a process. modes is the value
// of HOSTILE.
func run(t *testing.T, modes string, change ...func(*Options)) *runningHost {
	t.Helper()
	r := &runningHost{t: t, dir: filepath.Join(t.TempDir(), "run"), logs: newLogRecorder(), done: make(chan struct{})}
	o := Options{
		Name: "hostile", Command: hostilePath, Env: []string{"HOSTILE=" + modes}, RuntimeDir: shortDir(t),
		Logger: slog.New(r.logs), GatewayVersion: "test",
		StartTimeout: 5 * time.Second, HoldTimeout: waitLimit, DeliverHold: waitLimit,
		DrainTimeout: 2 * time.Second, StopTimeout: time.Second,
		LivenessInterval: 50 * time.Millisecond, LivenessTimeout: 2 * time.Second,
		BackoffMin: 5 * time.Millisecond, BackoffMax: 20 * time.Millisecond,
		QuarantineMin: time.Hour, QuarantineRetry: time.Hour, PermanentRetry: time.Hour,
	}
	for _, f := range change {
		f(&o)
	}
	r.dir = o.RuntimeDir
	r.Host = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		defer close(r.done)
		r.err = r.Run(ctx)
	}()
	t.Cleanup(func() { r.stop() })
	return r
}

// shortDir returns a folder with a short path, because the path of a socket is limited.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// stop ends the host. It fails the test if Run does not return in time, or if a socket folder remains.
func (r *runningHost) stop() {
	r.t.Helper()
	r.cancel()
	select {
	case <-r.done:
	case <-time.After(waitLimit):
		r.t.Fatal("Run did not return")
	}
	if r.err != nil {
		r.t.Errorf("Run: %v", r.err)
	}
	left, err := filepath.Glob(filepath.Join(r.dir, "hostile", "*"))
	if err != nil || len(left) > 0 {
		r.t.Errorf("socket folders are left: %v %v", left, err)
	}
	if st := r.Status(); st.State != StateStopped || st.PID != 0 {
		r.t.Errorf("after Run: %s with process %d", st.State, st.PID)
	}
}

// ctx returns a context that ends after waitLimit, or when the test ends.
func (r *runningHost) ctx() context.Context {
	ctx, cancel := context.WithTimeout(r.t.Context(), waitLimit)
	r.t.Cleanup(cancel)
	return ctx
}

// ready waits until the host accepts calls.
func (r *runningHost) ready() {
	r.t.Helper()
	if err := r.Wait(r.ctx()); err != nil {
		r.t.Fatalf("not ready: %v", err)
	}
}

// waitFor waits until ok returns true for the status, and returns the status.
func (r *runningHost) waitFor(condition string, ok func(Status) bool) Status {
	r.t.Helper()
	deadline := time.After(waitLimit)
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		st := r.Status()
		if ok(st) {
			return st
		}
		select {
		case <-changed:
		case <-deadline:
			r.t.Fatalf("status is not %s: %+v", condition, st)
		}
	}
}

func webhook(path, body string) *pluginpb.ReceiveCall {
	return &pluginpb.ReceiveCall{Channels: []string{"c"}, Method: "POST", Path: path, FullPath: path, Body: []byte(body)}
}

func (r *runningHost) receiveAt(ctx context.Context, path, body string) (*pluginpb.ReceiveResult, error) {
	res, done, err := r.Receive(ctx, webhook(path, body))
	done()
	return res, err
}

// logRecorder records log records. It closes changed at each record.
type logRecorder struct {
	mu      sync.Mutex
	records []map[string]string
	changed chan struct{}
}

func newLogRecorder() *logRecorder { return &logRecorder{changed: make(chan struct{})} }

func (l *logRecorder) Enabled(context.Context, slog.Level) bool { return true }

func (l *logRecorder) Handle(_ context.Context, rec slog.Record) error {
	m := map[string]string{"level": rec.Level.String(), "msg": rec.Message}
	rec.Attrs(func(a slog.Attr) bool {
		m[a.Key] = a.Value.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, m)
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

func (l *logRecorder) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *logRecorder) WithGroup(string) slog.Handler { return l }

// find waits for a record with this message and with attributes for which ok returns true.
func (l *logRecorder) find(t *testing.T, msg string, ok func(map[string]string) bool) map[string]string {
	t.Helper()
	deadline := time.After(waitLimit)
	for {
		l.mu.Lock()
		changed := l.changed
		for _, r := range l.records {
			if r["msg"] == msg && (ok == nil || ok(r)) {
				l.mu.Unlock()
				return r
			}
		}
		l.mu.Unlock()
		select {
		case <-changed:
		case <-deadline:
			l.mu.Lock()
			defer l.mu.Unlock()
			t.Fatalf("no record %q in %v", msg, l.records)
		}
	}
}

func send(t *testing.T, text, key string) *pluginpb.DeliverCall {
	t.Helper()
	b, err := protocol.EncodeEnvelope(&envelope.Envelope{
		Channel: "x", Thread: "t", Kind: envelope.KindMessage, Parts: []envelope.Part{envelope.TextPart(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &pluginpb.DeliverCall{Channel: "c", Key: key, Attempt: 1, Action: &pluginpb.DeliverCall_Send{
		Send: &pluginpb.SendAction{Thread: "thread", Envelope: b}}}
}

// lateContext is a context that does not end at its deadline.
type lateContext struct {
	context.Context
	at time.Time
}

// Deadline implements context.Context.
func (c lateContext) Deadline() (time.Time, bool) { return c.at, true }

// sentCount returns the number of sent calls without a result.
func (s *callStream[C, R]) sentCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, p := range s.pending {
		if p.sent {
			n++
		}
	}
	return n
}

// waitFor waits until ok returns true.
func waitFor(t *testing.T, condition string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(waitLimit)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("condition not met: %s", condition)
		}
	}
}
