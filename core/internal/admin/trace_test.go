package admin

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
)

// traceResponse is the body of a response of /api/trace.
type traceResponse struct {
	ID            string
	Conversations []*trail.Conversation
}

func (a *testAPI) trace(id string) *trail.Conversation {
	a.Helper()
	var got traceResponse
	a.call("GET", "/api/trace?id="+id, 200, &got)
	if got.ID != id || len(got.Conversations) != 1 {
		a.Fatalf("trace %s: %+v, want one conversation", id, got)
	}
	return got.Conversations[0]
}

func steps(c *trail.Conversation) string {
	var out []string
	for i := range c.Entries {
		out = append(out, strings.TrimSpace(c.Entries[i].Step+" "+c.Entries[i].Channel))
	}
	return strings.Join(out, ", ")
}

func TestTraceFindsAConversationByEachKindOfID(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "hello")
	j := a.job("faq")
	a.finish(j, attempt.Outcome{Result: attempt.ResultDelivered, VendorID: "bot-77"})
	a.say("web", "w2", "m2", "another customer")
	whole := a.trace("m1")
	want := "opened web, accepted web, thread faq, queued faq, delivered faq"
	if got := steps(whole); got != want {
		t.Errorf("steps %q, want %q", got, want)
	}
	var message string
	for i := range whole.Entries {
		if whole.Entries[i].Step == state.StatusAccepted {
			message = whole.Entries[i].Envelope
		}
		if whole.Entries[i].Text != "" {
			t.Errorf("text %q is shown without being requested", whole.Entries[i].Text)
		}
	}
	for kind, id := range map[string]string{
		"message": message, "delivery": j.Delivery.ID, "conversation": j.Conv.ID, "customer's thread": "w1",
		"bot's thread": j.Thread, "customer": "cust-w1", "vendor's id of the delivery": "bot-77",
	} {
		if c := a.trace(id); c.ID != j.Conv.ID || steps(c) != want {
			t.Errorf("by %s %q: conversation %s, steps %q", kind, id, c.ID, steps(c))
		}
	}
	var several traceResponse
	a.call("GET", "/api/trace?id=m1&id=m2&text=1", 200, &several)
	if len(several.Conversations) != 2 || !strings.Contains(fmt.Sprintf("%+v", several.Conversations[0].Entries), "hello") {
		t.Errorf("two ids with text: %+v", several)
	}
	if c := a.trace("w1"); !c.Live || c.State.Owner != "faq" || c.State.Customer != "cust-w1" || len(c.Pending) != 0 {
		t.Errorf("state %+v, pending %+v", c.State, c.Pending)
	}
}

func TestTraceFindsAnEnvelopeOfAPendingThread(t *testing.T) {
	a := newTestAPI(t)
	a.say("faq", "lost-thread", "a1", "an answer")
	for _, id := range []string{"a1", "lost-thread"} {
		c := a.trace(id)
		if got := steps(c); c.ID != "" || c.Live || got != "held faq" {
			t.Errorf("by %s: conversation %q, steps %q, want held", id, c.ID, got)
		}
	}
}

func TestUnknownAndInvalidRequestsFail(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "hello")
	var p problem
	a.call("GET", "/api/trace?id=unknown", 404, &p)
	if !strings.Contains(p.Error, "unknown") {
		t.Errorf("problem %q does not name the id", p.Error)
	}
	a.call("GET", "/api/trace", 400, &p)
	a.call("GET", "/api/trace?id=", 400, &p)
	a.call("GET", "/api/trace?"+strings.Repeat("id=x&", trail.MaxIDs+1), 400, &p)
	a.call("GET", "/api/conversations/unknown", 404, &p)
	a.call("GET", "/api/nothing", 404, nil)
	a.call("DELETE", "/api/dead-letters", 405, nil)
}

func TestPendingDeliveriesHaveReasons(t *testing.T) {
	for name, tc := range map[string]struct {
		state     attempt.ChannelState
		retry     time.Duration // until the next attempt, after a failed one
		notCalled bool          // the failure preceded the call
		away      bool          // the adapter is not running
		calls     time.Duration // age of the call in flight
		want      string
	}{
		"soon": {want: "its call begins soon"},
		"in flight": {state: attempt.ChannelState{InFlight: 2, Paused: true}, calls: 4 * time.Second,
			want: "the call began 4s ago"},
		"repeated": {retry: time.Hour, calls: 90 * time.Second,
			want: "the call began 1m30s ago; last attempt failed: try later"},
		"breaker": {state: attempt.ChannelState{Breaker: "open", Cause: "HTTP 502"},
			want: "circuit breaker is open: HTTP 502"},
		"pause": {state: attempt.ChannelState{Pause: 90 * time.Second}, want: "a pause, which ends in 1m30s"},
		"limit": {state: attempt.ChannelState{Queued: 3, InFlight: 2},
			want: "limit is reached: 2 calls in flight, 3 queued"},
		"backoff":     {retry: time.Hour, want: "next attempt at "},
		"adapter":     {away: true, want: "adapter bot is stopped"},
		"last reason": {retry: time.Hour, want: "last attempt failed: try later"},
		"not called":  {retry: time.Hour, notCalled: true, want: "; not called: try later"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newTestAPI(t)
			a.lanes, a.callTime = tc.state, tc.calls
			if tc.away {
				a.addAdapter("bot")
			}
			a.say("web", "w1", "m1", "hello")
			a.say("web", "w1", "m2", "again")
			j := a.job("faq")
			if tc.retry > 0 {
				a.finish(j, attempt.Outcome{
					Result: attempt.ResultRetry, Error: "transient", Text: "try later", Next: time.Now().Add(tc.retry),
					NotCalled: tc.notCalled,
				})
			}
			var c trail.Conversation
			a.call("GET", "/api/conversations/"+j.Conv.ID, 200, &c)
			if len(c.Pending) != 2 || !strings.Contains(c.Pending[0].Reason, tc.want) {
				t.Fatalf("pending %+v, want the first because of %q", c.Pending, tc.want)
			}
			d := c.Pending[0]
			retrying := d.Status == state.StatusRetrying && !d.NextAttempt.IsZero() && (d.Attempts == 0) == tc.notCalled
			if calling := d.Status == trail.StatusInFlight && d.NextAttempt.IsZero(); calling != (tc.calls > 0) {
				t.Errorf("first delivery %+v, want a call in flight: %v", d, tc.calls > 0)
			}
			if tc.retry > 0 && tc.calls == 0 && !retrying {
				t.Errorf("first delivery %+v, want a retry", d)
			}
			if want := "queued behind " + j.Delivery.ID; !strings.Contains(c.Pending[1].Reason, want) {
				t.Errorf("second delivery: %q, want %q", c.Pending[1].Reason, want)
			}
		})
	}
}

func TestHeldMessageIsPending(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "help")
	c := a.trace("m1")
	if c.State.Offer != "desk" || c.State.Held != 1 {
		t.Errorf("state %+v, want an offer to the desk and one message held", c.State)
	}
	i := slices.IndexFunc(c.Pending, func(w trail.PendingDelivery) bool { return w.Status == state.StatusHeld })
	if i < 0 || !strings.Contains(c.Pending[i].Reason, "offer to desk") {
		t.Errorf("pending %+v, want the held message", c.Pending)
	}
}
