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

	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/route"
	"patchbay/core/internal/store"
	"patchbay/core/internal/store/memory"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/trail"
	"patchbay/core/internal/writer"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// office is the API over a real writer and a log in memory.
type office struct {
	*testing.T
	admin *Admin
	w     *writer.Writer
	log   *memory.Log
	state laneState

	mu   sync.Mutex
	jobs []*writer.Job
	ids  int
}

type laneState struct {
	breaker          string
	paused           time.Duration
	waiting, running int
}

func (o *office) Submit(j *writer.Job) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs = append(o.jobs, j)
}

func (o *office) Cancel(string)           {}
func (o *office) Committed(writer.Commit) {}
func (o *office) State(string) (breaker string, paused time.Duration, waiting, running int) {
	return o.state.breaker, o.state.paused, o.state.waiting, o.state.running
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, log: memory.NewDisk(0).Open()}
	p := &conversation.Policy{Revision: 1, Owner: "faq", History: 20, Channels: map[string]*conversation.Channel{
		"web": {Name: "web", Role: envelope.RoleCustomer}, "faq": {Name: "faq", Role: envelope.RoleBot},
		"desk": {Name: "desk", Role: envelope.RoleAgent, Opens: true},
	}}
	table, problems := route.Compile([]route.Rule{
		{Name: "help", From: []string{"customer"}, When: `text == "help"`, Offer: route.NewOffer("desk")},
		{Name: "to-desk", From: []string{"customer"}, When: `text == "desk now"`, Pass: "desk"},
	}, route.Channels{"web": envelope.RoleCustomer, "faq": envelope.RoleBot, "desk": envelope.RoleAgent})
	if table == nil {
		t.Fatal(problems)
	}
	p.Routes = table
	o.w = writer.New(writer.Options{
		Log: o.log, Policy: p, Lanes: o, Observer: o, Logger: slog.New(slog.DiscardHandler), Version: "test",
		NewID: func() string { o.ids++; return fmt.Sprintf("id-%04d", o.ids) },
	})
	if err := o.w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
	cfg := &config.Config{Channels: []config.Channel{
		{Name: "web", Adapter: "native", Delivery: config.Delivery{Concurrency: 2}}, {Name: "faq", Adapter: "bot", Delivery: config.Delivery{Concurrency: 2}},
		{Name: "desk", Adapter: "aicc", Delivery: config.Delivery{Concurrency: 2}},
	}}
	o.admin = New(Options{
		Version: "test", Registry: telemetry.NewRegistry("test"), Writer: o.w, Log: o.log, Lanes: o, Hosts: map[string]*plugin.Host{},
		Config: cfg, Trail: trail.New(o.log, o.w), Logger: slog.New(slog.DiscardHandler),
	})
	o.admin.Accepting(true)
	return o
}

func (o *office) say(channel, thread, id, text string) {
	o.Helper()
	role := map[string]envelope.Role{"web": envelope.RoleCustomer, "faq": envelope.RoleBot}[channel]
	e := &envelope.Envelope{
		Channel: channel, Thread: thread, VendorID: id, Kind: envelope.KindMessage, Sender: envelope.Sender{Role: role, ID: "cust-" + thread},
		Parts: []envelope.Part{envelope.TextPart(text)},
	}
	b, err := protocol.EncodeEnvelope(e)
	if err != nil {
		o.Fatal(err)
	}
	if err := o.w.Accept(o.Context(), []*conversation.Inbound{{Channel: channel, Envelope: e, Bytes: b}}); err != nil {
		o.Fatal(err)
	}
}

// job waits until a delivery towards a channel was released, and takes it.
func (o *office) job(channel string) *writer.Job {
	o.Helper()
	o.settle() // jobs are released before a look that came later
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.jobs, func(j *writer.Job) bool { return j.Delivery.Channel == channel })
	if i < 0 {
		o.Fatalf("nothing was released towards %s", channel)
	}
	j := o.jobs[i]
	o.jobs = slices.Delete(o.jobs, i, i+1)
	return j
}

func (o *office) settle() {
	o.Helper()
	for range 2 {
		if err := o.w.View(o.Context(), func(*conversation.State) {}); err != nil {
			o.Fatal(err)
		}
	}
}

func (o *office) finish(j *writer.Job, out conversation.Outcome) {
	o.Helper()
	out.Conversation, out.Delivery, out.Channel, out.Kind = j.Conv.ID, j.Delivery.ID, j.Delivery.Channel, j.Delivery.Kind
	if out.Thread == "" {
		out.Thread = j.Thread
	}
	o.w.Finish(&out)
	o.settle()
}

// ask calls the API and decodes its answer.
func (o *office) ask(method, path string, want int, into any) {
	o.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:9090"
	w := httptest.NewRecorder()
	o.admin.Handler().ServeHTTP(w, r)
	if w.Code != want {
		o.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, want)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		o.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
	}
}

type traced struct {
	ID            string
	Conversations []*trail.Conversation
}

func (o *office) trace(id string) *trail.Conversation {
	o.Helper()
	var got traced
	o.ask("GET", "/api/trace?id="+id, 200, &got)
	if got.ID != id || len(got.Conversations) != 1 {
		o.Fatalf("trace %s: %+v, want one conversation", id, got)
	}
	return got.Conversations[0]
}

func steps(c *trail.Conversation) string {
	var out []string
	for i := range c.Entries {
		out = append(out, strings.TrimSpace(c.Entries[i].What+" "+c.Entries[i].Channel))
	}
	return strings.Join(out, ", ")
}

func TestTraceByEachKindOfID(t *testing.T) {
	o := openOffice(t)
	o.say("web", "w1", "m1", "hello")
	j := o.job("faq")
	o.finish(j, conversation.Outcome{Result: conversation.ResultDelivered, VendorID: "bot-77"})
	o.say("web", "w2", "m2", "somebody else")
	whole := o.trace("m1")
	want := "opened web, accepted web, thread faq, queued faq, delivered faq"
	if got := steps(whole); got != want {
		t.Errorf("steps %q, want %q", got, want)
	}
	var message string
	for i := range whole.Entries {
		if whole.Entries[i].What == conversation.StatusAccepted {
			message = whole.Entries[i].Envelope
		}
		if whole.Entries[i].Text != "" {
			t.Errorf("a trail shows %q though nobody asked for words", whole.Entries[i].Text)
		}
	}
	for kind, id := range map[string]string{
		"our id": message, "delivery": j.Delivery.ID, "conversation": j.Conv.ID, "customer's thread": "w1", "bot's thread": j.Thread,
		"customer": "cust-w1", "vendor's id of the delivered": "bot-77",
	} {
		if c := o.trace(id); c.ID != j.Conv.ID || steps(c) != want {
			t.Errorf("by %s %q: conversation %s, steps %q", kind, id, c.ID, steps(c))
		}
	}
	var several traced
	o.ask("GET", "/api/trace?id=m1&id=m2&text=1", 200, &several)
	if len(several.Conversations) != 2 || !strings.Contains(fmt.Sprintf("%+v", several.Conversations[0].Entries), "hello") {
		t.Errorf("two ids with text: %+v", several)
	}
	if c := o.trace("w1"); !c.Live || c.State.Owner != "faq" || c.State.Customer != "cust-w1" || len(c.Waiting) != 0 {
		t.Errorf("state %+v, waiting %+v", c.State, c.Waiting)
	}
}

func TestTraceOfWhatBelongsNowhere(t *testing.T) {
	o := openOffice(t)
	o.say("faq", "lost-thread", "a1", "for whom?")
	for _, id := range []string{"a1", "lost-thread"} {
		c := o.trace(id)
		if got := steps(c); c.ID != "" || c.Live || got != "held faq" {
			t.Errorf("by %s: conversation %q, steps %q, want held", id, c.ID, got)
		}
	}
}

func TestTraceOfTheUnknown(t *testing.T) {
	o := openOffice(t)
	o.say("web", "w1", "m1", "hello")
	var p problem
	o.ask("GET", "/api/trace?id=nobody", 404, &p)
	if !strings.Contains(p.Error, "nobody") {
		t.Errorf("problem %q does not name the id", p.Error)
	}
	o.ask("GET", "/api/trace", 400, &p)
	o.ask("GET", "/api/trace?id=", 400, &p)
	o.ask("GET", "/api/trace?"+strings.Repeat("id=x&", trail.MaxIDs+1), 400, &p)
	o.ask("GET", "/api/conversations/nobody", 404, &p)
	o.ask("GET", "/api/nothing", 404, nil)
	o.ask("DELETE", "/api/dead", 405, nil)
}

func TestWhyItWaits(t *testing.T) {
	for name, tc := range map[string]struct {
		state laneState
		retry time.Duration // a failed attempt before
		early bool          // before the call
		host  bool
		want  string
	}{
		"in flight":   {want: "in flight"},
		"breaker":     {state: laneState{breaker: "open"}, want: "circuit breaker is open"},
		"pause":       {state: laneState{paused: 90 * time.Second}, want: "pause of 1m30s"},
		"limit":       {state: laneState{waiting: 3, running: 2}, want: "2 calls in flight, its limit, and 3 waiting"},
		"backoff":     {retry: time.Hour, want: "backs off until "},
		"adapter":     {host: true, want: "adapter bot is stopped"},
		"last reason": {retry: time.Hour, want: "last attempt failed: try later"},
		"not asked":   {retry: time.Hour, early: true, want: "; not attempted: try later"},
	} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t)
			o.state = tc.state
			if tc.host {
				o.admin.Hosts["bot"] = plugin.New(plugin.Options{Name: "bot", Command: "/nowhere", Logger: slog.New(slog.DiscardHandler)})
			}
			o.say("web", "w1", "m1", "hello")
			o.say("web", "w1", "m2", "again")
			j := o.job("faq")
			if tc.retry > 0 {
				o.finish(j, conversation.Outcome{
					Result: conversation.ResultRetry, Error: "transient", Text: "try later", Next: time.Now().Add(tc.retry), NotCalled: tc.early,
				})
			}
			var c trail.Conversation
			o.ask("GET", "/api/conversations/"+j.Conv.ID, 200, &c)
			if len(c.Waiting) != 2 || !strings.Contains(c.Waiting[0].Why, tc.want) {
				t.Fatalf("waiting %+v, want the first because of %q", c.Waiting, tc.want)
			}
			if w := c.Waiting[0]; tc.retry > 0 && (w.Status != conversation.StatusRetrying || w.Next.IsZero() || (w.Attempts == 0) != tc.early) {
				t.Errorf("the first: %+v", w)
			}
			if want := "waits behind " + j.Delivery.ID; !strings.Contains(c.Waiting[1].Why, want) {
				t.Errorf("the second %q, want %q", c.Waiting[1].Why, want)
			}
		})
	}
}

func TestHeldMessages(t *testing.T) {
	o := openOffice(t)
	o.say("web", "w1", "m1", "help")
	c := o.trace("m1")
	if c.State.Offer != "desk" || c.State.Held != 1 {
		t.Errorf("state %+v, want an offer to the desk and one message held", c.State)
	}
	i := slices.IndexFunc(c.Waiting, func(w trail.Waiting) bool { return w.Status == conversation.StatusHeld })
	if i < 0 || !strings.Contains(c.Waiting[i].Why, "offer to desk") {
		t.Errorf("waiting %+v, want the message with the offer", c.Waiting)
	}
}

type listed struct{ Dead []trail.DeadLetter }

func TestDeadLetters(t *testing.T) {
	o := openOffice(t)
	o.say("web", "w1", "m1", "hello")
	j := o.job("faq")
	o.finish(j, conversation.Outcome{Result: conversation.ResultDead, Error: "permanent", Text: "no such user"})
	var all, of, none listed
	o.ask("GET", "/api/dead", 200, &all)
	o.ask("GET", "/api/dead?channel=faq", 200, &of)
	o.ask("GET", "/api/dead?channel=desk", 200, &none)
	if len(all.Dead) != 1 || len(of.Dead) != 1 || len(none.Dead) != 0 {
		t.Fatalf("%d dead letters, %d of faq, %d of desk; want 1, 1, 0", len(all.Dead), len(of.Dead), len(none.Dead))
	}
	if d := all.Dead[0]; d.ID != j.Delivery.ID || d.Channel != "faq" || d.Error != "permanent" || d.Text != "no such user" || d.Attempts != 1 {
		t.Errorf("dead letter %+v", d)
	}
	var shown struct {
		Dead          trail.DeadLetter
		Conversations []*trail.Conversation
	}
	o.ask("GET", "/api/dead/"+j.Delivery.ID, 200, &shown)
	if shown.Dead.ID != j.Delivery.ID || len(shown.Conversations) != 1 || !strings.HasSuffix(steps(shown.Conversations[0]), "dead faq") {
		t.Errorf("shown %+v", shown)
	}
	var replayed struct{ Status, Delivery string }
	o.ask("POST", "/api/dead/"+j.Delivery.ID+"/replay", 200, &replayed)
	again := o.job("faq")
	if replayed.Status != "replayed" || replayed.Delivery != again.Delivery.ID || again.Delivery.Item.Pos != j.Delivery.Item.Pos {
		t.Errorf("replayed %+v, released %+v", replayed, again.Delivery)
	}
	o.ask("POST", "/api/dead/"+j.Delivery.ID+"/replay", 404, nil)
	o.ask("GET", "/api/dead/"+j.Delivery.ID, 404, nil)
}

func TestReplayPassesTheFence(t *testing.T) {
	o := openOffice(t)
	o.say("web", "w1", "m1", "hello")
	j := o.job("faq")
	o.finish(j, conversation.Outcome{Result: conversation.ResultDelivered})
	o.say("faq", j.Thread, "a1", "an answer")
	answer := o.job("web")
	o.finish(answer, conversation.Outcome{Result: conversation.ResultDead, Error: "permanent"})
	o.say("web", "w1", "m2", "desk now")
	var replayed struct{ Status string }
	o.ask("POST", "/api/dead/"+answer.Delivery.ID+"/replay", 200, &replayed)
	if replayed.Status != conversation.StatusFenced {
		t.Errorf("replay of a former owner's words: %q, want fenced", replayed.Status)
	}
	opening := o.job("desk")
	o.finish(opening, conversation.Outcome{Result: conversation.ResultDead, Error: "permanent"})
	o.ask("POST", "/api/dead/"+opening.Delivery.ID+"/replay", 409, nil)
	var dropped struct{ Status string }
	o.ask("DELETE", "/api/dead/"+opening.Delivery.ID, 200, &dropped)
	if dropped.Status != conversation.StatusDropped {
		t.Errorf("drop of what can't be replayed: %q, want dropped", dropped.Status)
	}
	o.ask("DELETE", "/api/dead/"+opening.Delivery.ID, 404, nil)
}

func TestReady(t *testing.T) {
	full := store.Health{Reason: "the disk is full: make room"}
	gaps := store.Health{Writable: true, Missing: []store.Range{{First: 5, Last: 9}, {First: 12, Last: 12}}}
	for name, tc := range map[string]struct {
		prepare func(*office)
		status  int
		want    []string
	}{
		"ready":         {func(*office) {}, 200, []string{"[+] listener", "[+] store: writable", "\nready\n"}},
		"starting":      {func(o *office) { o.admin.Accepting(false) }, 503, []string{"[-] listener: starting or stopping", "not ready"}},
		"store is full": {func(o *office) { o.log.SetHealth(&full) }, 503, []string{"[-] store", "make room", "not ready"}},
		"records are missing": {func(o *office) { o.log.SetHealth(&gaps) }, 200,
			[]string{"[+] records: degraded: 6 are missing from the log: 5 to 9, 12 to 12", "ready, degraded"}},
		"adapter away": {func(o *office) {
			o.admin.Hosts["bot"] = plugin.New(plugin.Options{Name: "bot", Command: "/nowhere", Logger: slog.New(slog.DiscardHandler)})
		}, 200, []string{"[+] adapter bot: degraded: stopped", "ready, degraded"}},
		"vendor away": {func(o *office) { o.state.breaker = "open" }, 200, []string{"[+] channel faq: degraded: circuit breaker is open", "ready, degraded"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := openOffice(t)
			tc.prepare(o)
			r := httptest.NewRequest("GET", "http://127.0.0.1/readyz?verbose", nil)
			w := httptest.NewRecorder()
			o.admin.Handler().ServeHTTP(w, r)
			if w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
			for _, want := range tc.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("body %q does not say %q", w.Body, want)
				}
			}
		})
	}
}

func TestProbesAndMetrics(t *testing.T) {
	o := openOffice(t)
	o.ask("GET", "/livez", 200, nil)
	o.ask("GET", "/healthz", 200, nil)
	o.say("web", "w1", "m1", "hello")
	r := httptest.NewRequest("GET", "http://127.0.0.1/metrics", nil)
	w := httptest.NewRecorder()
	o.admin.Handler().ServeHTTP(w, r)
	for _, want := range []string{
		"patchbay_ready 1\n", "patchbay_store_missing_records 0\n", "patchbay_store_cap_bytes ", "patchbay_oldest_unanswered_message_age_seconds",
		`patchbay_oldest_pending_delivery_age_seconds{channel="desk"} 0`, "patchbay_build_info",
	} {
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("metrics (%d) have no %s", w.Code, want)
		}
	}
}

// TestHosts: an attacker's name may point at loopback, and a browser then calls it for the attacker's page.
func TestHosts(t *testing.T) {
	o := openOffice(t)
	for host, want := range map[string]int{
		"127.0.0.1:9090": 200, "127.0.0.1": 200, "[::1]:9090": 200, "localhost:9090": 200, "localhost": 200, "10.0.0.7:9090": 200,
		"evil.example": 421, "evil.example:9090": 421, "localhost.evil.example:9090": 421, "127.0.0.1.evil.example": 421, "EVIL": 421,
	} {
		r := httptest.NewRequest("GET", "/api/dead", nil)
		r.Host = host
		w := httptest.NewRecorder()
		o.admin.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %s: %d, want %d", host, w.Code, want)
		}
	}
}

func TestOtherSitesMayNotPost(t *testing.T) {
	o := openOffice(t)
	for name, tc := range map[string]struct {
		header map[string]string
		want   int
	}{
		"a program":       {nil, 404}, // there is no such dead letter
		"our own page":    {map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:9090"}, 404},
		"another site":    {map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		"an old browser":  {map[string]string{"Origin": "https://evil.example"}, 403},
		"a sandboxed one": {map[string]string{"Origin": "null"}, 403},
	} {
		r := httptest.NewRequest(http.MethodPost, "/api/dead/x/replay", nil)
		r.Host = "127.0.0.1:9090"
		for k, v := range tc.header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		o.admin.Handler().ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tc.want)
		}
	}
}
