package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/core/internal/store/memory"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/trail"
	"patchbay/core/internal/writer"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testAPI is an Admin with a writer over a log in memory. It is also the writer's lanes, which record jobs.
type testAPI struct {
	*testing.T
	admin *Admin
	w     *writer.Writer
	log   *memory.Log
	lanes attempt.ChannelState

	callTime time.Duration // age of each call in flight; 0 means no calls

	policy  *conversation.Policy
	running *Running
	mu      sync.Mutex
	jobs    []*attempt.Job
	ids     int
}

func (a *testAPI) Submit(j *attempt.Job) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.jobs = append(a.jobs, j)
}

func (a *testAPI) Cancel(string)                     {}
func (a *testAPI) Pause(*state.Pause)                {}
func (a *testAPI) Committed(writer.Commit)           {}
func (a *testAPI) ClockAhead(string)                 {}
func (a *testAPI) State(string) attempt.ChannelState { return a.lanes }

func (a *testAPI) CallTime(string) (time.Duration, bool) { return a.callTime, a.callTime > 0 }

func newTestAPI(t *testing.T) *testAPI {
	t.Helper()
	a := &testAPI{T: t, log: memory.NewDisk(0).Open()}
	p := &conversation.Policy{Revision: 1, Owner: "faq", History: 20, Channels: map[string]*conversation.Channel{
		"web": {Name: "web", Role: envelope.RoleCustomer}, "faq": {Name: "faq", Role: envelope.RoleBot},
		"desk": {Name: "desk", Role: envelope.RoleAgent, Opens: true},
	}}
	unheld := route.NewOffer("desk")
	unheld.Hold = false
	table, problems := route.Compile([]route.Rule{
		{Name: "help", From: []string{"customer"}, When: `text == "help"`, Offer: route.NewOffer("desk")},
		{Name: "unheld", From: []string{"customer"}, When: `text == "help, but let me talk"`, Offer: unheld},
		{Name: "to-desk", From: []string{"customer"}, When: `text == "desk now"`, Pass: "desk"},
	}, route.Channels{"web": envelope.RoleCustomer, "faq": envelope.RoleBot, "desk": envelope.RoleAgent})
	if table == nil {
		t.Fatal(problems)
	}
	p.Routes, a.policy = table, p
	a.w = writer.New(writer.Options{
		Log: a.log, Policy: p, Lanes: a, Observer: a, Logger: slog.New(slog.DiscardHandler), Version: "test",
		NewID: func() string { a.ids++; return fmt.Sprintf("id-%04d", a.ids) },
	})
	if err := a.w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	cfg := &config.Config{Table: table, Channels: []config.Channel{
		{Name: "web", Adapter: "native", Role: envelope.RoleCustomer, Delivery: config.Delivery{Concurrency: 2}},
		{Name: "faq", Adapter: "bot", Role: envelope.RoleBot, Delivery: config.Delivery{Concurrency: 2}},
		{Name: "desk", Adapter: "aicc", Role: envelope.RoleAgent, Delivery: config.Delivery{Concurrency: 2}},
	}}
	a.running = &Running{Config: cfg, Revision: 1, Hosts: map[string]*plugin.Host{}}
	a.admin = New(Options{
		Registry: telemetry.NewRegistry("test"), Writer: a.w, Log: a.log, Lanes: a,
		Running: func() *Running { return a.running }, Trail: trail.New(a.log, a.w), Logger: slog.New(slog.DiscardHandler),
	})
	a.admin.SetAccepting(true)
	return a
}

func (a *testAPI) say(channel, thread, id, text string) {
	a.Helper()
	role := map[string]envelope.Role{"web": envelope.RoleCustomer, "faq": envelope.RoleBot}[channel]
	e := &envelope.Envelope{
		Channel: channel, Thread: thread, VendorID: id, Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: role, ID: "cust-" + thread}, Parts: []envelope.Part{envelope.TextPart(text)},
	}
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		a.Fatal(err)
	}
	if err := a.w.Accept(a.Context(), []*inbound.Envelope{{Channel: channel, Envelope: e, Bytes: b}}); err != nil {
		a.Fatal(err)
	}
}

// job removes and returns the first released delivery towards a channel.
func (a *testAPI) job(channel string) *attempt.Job {
	a.Helper()
	a.waitUntilIdle()
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.jobs, func(j *attempt.Job) bool { return j.Delivery.Channel == channel })
	if i < 0 {
		a.Fatalf("no delivery was released towards %s", channel)
	}
	j := a.jobs[i]
	a.jobs = slices.Delete(a.jobs, i, i+1)
	return j
}

// addAdapter adds an adapter whose plugin process is not running.
func (a *testAPI) addAdapter(name string) {
	a.running.Hosts[name] = plugin.New(plugin.Options{
		Name: name, Command: "/nowhere", Logger: slog.New(slog.DiscardHandler),
	})
}

// waitUntilIdle waits until the writer has processed earlier inputs and released their jobs.
func (a *testAPI) waitUntilIdle() {
	a.Helper()
	for range 2 {
		if err := a.w.View(a.Context(), func(*state.State) {}); err != nil {
			a.Fatal(err)
		}
	}
}

func (a *testAPI) finish(j *attempt.Job, out attempt.Outcome) {
	a.Helper()
	out.Conversation, out.Delivery, out.Channel, out.Kind = j.Conv.ID, j.Delivery.ID, j.Delivery.Channel, j.Delivery.Kind
	if out.Thread == "" {
		out.Thread = j.Thread
	}
	a.w.Finish(&out)
	a.waitUntilIdle()
}

// call makes a request, checks the status, and decodes the response into v unless v is nil.
func (a *testAPI) call(method, path string, want int, v any) {
	a.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(`{"user":"ann"}`))
	r.Host = "127.0.0.1:9090"
	w := httptest.NewRecorder()
	a.admin.Handler().ServeHTTP(w, r)
	if w.Code != want {
		a.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, want)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		a.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
	}
}

func TestOnlyAddressesAndLocalhostAreServed(t *testing.T) {
	a := newTestAPI(t)
	for host, want := range map[string]int{
		"127.0.0.1:9090": 200, "127.0.0.1": 200, "[::1]:9090": 200, "localhost:9090": 200, "localhost": 200,
		"10.0.0.7:9090":    200,
		"attacker.example": 421, "attacker.example:9090": 421, "localhost.attacker.example:9090": 421,
		"127.0.0.1.attacker.example": 421, "ATTACKER": 421,
	} {
		r := httptest.NewRequest("GET", "/api/dead-letters", nil)
		r.Host = host
		w := httptest.NewRecorder()
		a.admin.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %s: %d, want %d", host, w.Code, want)
		}
	}
}

func TestRequestsOfOtherSitesAreRefused(t *testing.T) {
	a := newTestAPI(t)
	for name, tc := range map[string]struct {
		header map[string]string
		want   int
	}{
		"program":            {nil, 404}, // no such dead letter
		"same site":          {map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:9090"}, 404},
		"other site":         {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://attacker.example"}, 403},
		"old browser":        {map[string]string{"Origin": "https://attacker.example"}, 403},
		"sandboxed document": {map[string]string{"Origin": "null"}, 403},
	} {
		r := httptest.NewRequest(http.MethodPost, "/api/dead-letters/x/replay", strings.NewReader(`{"user":"ann"}`))
		r.Host = "127.0.0.1:9090"
		for k, v := range tc.header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		a.admin.Handler().ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tc.want)
		}
	}
}
