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
	effects []int // allowed numbers of effects of the message at the receiver
	dead    bool  // the delivery becomes a dead letter
}

// Numbers of effects.
var (
	none     = []int{0}
	one      = []int{1}
	two      = []int{2}    // the answer was lost, and the vendor does not recognize the repetition
	oneOrTwo = []int{1, 2} // depends on whether the adapter accepts the answer
)

// retryAfter is the pause that a throttling vendor asks for.
const retryAfter = time.Second

// faultsBefore happen before the call has an effect. The call is repeated.
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

// faultsAfter returns faults that happen after the call has had its effect, with the numbers of effects after a lost
// and after an unreadable answer.
func faultsAfter(lost, unreadable []int) []faultCase {
	return []faultCase{
		{"answer lost", simulator.Fault{Kind: simulator.Drop}, lost, false},
		{"answer truncated", simulator.Fault{Kind: simulator.Truncate}, unreadable, false},
		{"answer of the wrong type", simulator.Fault{Kind: simulator.ContentType}, oneOrTwo, false},
		{"huge answer", simulator.Fault{Kind: simulator.Huge}, unreadable, false},
	}
}

var expired = faultCase{"expired token", simulator.Fault{Kind: simulator.ExpiredToken}, one, false}

// webhookFaults are faults of a vendor's own calls. The vendor repeats a call until it is accepted.
var webhookFaults = []faultCase{
	{"not sent", simulator.Fault{Kind: simulator.Status}, one, false},
	{"slow", simulator.Fault{Kind: simulator.Slow, Delay: 300 * time.Millisecond}, one, false},
	{"reset", simulator.Fault{Kind: simulator.Reset}, one, false},
	{"answer ignored", simulator.Fault{Kind: simulator.Drop}, one, false},
	{"truncated", simulator.Fault{Kind: simulator.Truncate}, one, false},
	{"wrong type", simulator.Fault{Kind: simulator.ContentType}, one, false},
	{"huge", simulator.Fault{Kind: simulator.Huge}, one, false},
	{"twice", simulator.Fault{Kind: simulator.Duplicate}, one, false},
	{"wrong signature", simulator.Fault{Kind: simulator.BadSignature}, one, false},
}

// shortTimeout makes a channel's calls fail soon.
var shortTimeout = []string{"delivery: {timeout: 2s}"}

// checkFaults causes each fault with one message and then sends another one. It checks that the first message has its
// effects, that the second one arrives once and after it, and that the vendor's pause is respected. Received returns
// the texts that the receiver has got.
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
			t.Errorf("%s: both messages arrived after %s, before the vendor's pause of %s ended",
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
