package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// faultCase is a fault of one call, and its expected consequences.
type faultCase struct {
	name    string
	fault   simulator.Fault
	effects []int // how often the receiver may get the message
	dead    bool  // whether the delivery becomes a dead letter
}

// Values of faultCase.effects.
var (
	none     = []int{0}
	one      = []int{1}
	two      = []int{2}    // the response is lost, and the vendor does not recognize the repeated call
	oneOrTwo = []int{1, 2} // depends on whether the adapter accepts the response
)

// retryAfter is the pause that the vendor asks for.
const retryAfter = time.Second

// faultsBefore lists faults before a call has its effect. The call is repeated, except after the fault slow.
var faultsBefore = []faultCase{
	{"429 with Retry-After", statusFault(http.StatusTooManyRequests, retryAfter), one, false},
	{"500", simulator.Fault{Kind: simulator.Status}, one, false},
	{"503 with Retry-After", statusFault(http.StatusServiceUnavailable, retryAfter), one, false},
	{"slow", simulator.Fault{Kind: simulator.Slow, Delay: 300 * time.Millisecond}, one, false},
	{"hangs", simulator.Fault{Kind: simulator.Hang}, one, false},
	{"reset", simulator.Fault{Kind: simulator.Reset}, one, false},
}

func statusFault(status int, after time.Duration) simulator.Fault {
	return simulator.Fault{Kind: simulator.Status, Status: status, RetryAfter: after}
}

// faultsAfter returns faults after a call has had its effect. lost and unreadable are the allowed numbers of effects
// after a lost and after an unreadable response.
func faultsAfter(lost, unreadable []int) []faultCase {
	return []faultCase{
		{"response lost", simulator.Fault{Kind: simulator.Drop}, lost, false},
		{"truncated response", simulator.Fault{Kind: simulator.Truncate}, unreadable, false},
		{"response of the wrong type", simulator.Fault{Kind: simulator.ContentType}, oneOrTwo, false},
		{"huge response", simulator.Fault{Kind: simulator.Huge}, unreadable, false},
	}
}

var expired = faultCase{"expired token", simulator.Fault{Kind: simulator.ExpiredToken}, one, false}

// webhookFaults lists faults of webhook calls. The vendor repeats a call until it is accepted.
var webhookFaults = []faultCase{
	{"not sent", simulator.Fault{Kind: simulator.Status}, one, false},
	{"slow", simulator.Fault{Kind: simulator.Slow, Delay: 300 * time.Millisecond}, one, false},
	{"reset", simulator.Fault{Kind: simulator.Reset}, one, false},
	{"response ignored", simulator.Fault{Kind: simulator.Drop}, one, false},
	{"truncated", simulator.Fault{Kind: simulator.Truncate}, one, false},
	{"wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false},
	{"huge", simulator.Fault{Kind: simulator.Huge}, one, false},
	{"twice", simulator.Fault{Kind: simulator.Duplicate}, one, false},
	{"wrong signature", simulator.Fault{Kind: simulator.BadSignature}, one, false},
}

// shortTimeout contains the line of a channel with a short timeout of calls.
var shortTimeout = []string{"delivery: {timeout: 2s}"}

// checkFaults causes each fault with one message and then sends another message. It checks the number of effects of the
// first message, that the second one arrives after it, and that the vendor's pause is respected. received returns the
// texts that the receiver has got.
func (s *system) checkFaults(
	t *testing.T, faults *simulator.Faults, endpoint, channel string, cases []faultCase,
	send func(text string), received func() []string,
) {
	t.Helper()
	deadLetters := func() float64 { return s.Metric(t, "patchbay_dead_letters_total", "channel", channel) }
	for i, tc := range cases {
		first, next := fmt.Sprintf("first %d", i), fmt.Sprintf("next %d", i)
		f, hits, wantDead, began := tc.fault, faults.Hits.Len(), deadLetters(), time.Now()
		f.Endpoint, f.Count = endpoint, 1
		faults.Add(f)
		send(first)
		send(next)
		harness.Eventually(t, harness.Timeout, tc.name+": the next message arrives", func() string {
			if !slices.Contains(received(), next) {
				return fmt.Sprintf("received %q", received())
			}
			return ""
		})
		all := received()
		n := len(slices.DeleteFunc(slices.Clone(all), func(text string) bool { return text != first }))
		if !slices.Contains(tc.effects, n) {
			t.Errorf("%s: %q has %d effects, want %v", tc.name, first, n, tc.effects)
		}
		for at, text := range all {
			if text == first && at > slices.Index(all, next) {
				t.Errorf("%s: %q arrived after %q", tc.name, first, next)
			}
		}
		if n := faults.Hits.Len() - hits; n != 1 {
			t.Errorf("%s: the fault happened %d times, want once", tc.name, n)
		}
		if took := time.Since(began); took < tc.fault.RetryAfter {
			t.Errorf("%s: both messages arrived after %s, within the vendor's pause of %s",
				tc.name, took, tc.fault.RetryAfter)
		}
		if tc.dead {
			wantDead++
		}
		harness.Eventually(t, harness.Timeout, tc.name+": dead letters are counted", func() string {
			if n := deadLetters(); n != wantDead {
				return fmt.Sprintf("%v dead letters, want %v", n, wantDead)
			}
			return ""
		})
		faults.Release()
	}
}
