package writer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/route"
	"patchbay/core/internal/store/memory"
)

// vendors simulates the vendors of a writer while its store fails and its process crashes. A customer's vendor repeats
// a message until it is accepted, and then sends the next message. The bot answers each second message in its response.
type vendors struct {
	*harness
	rt       *rapid.T
	sent     map[string]int      // number of accepted messages of a thread
	effects  map[string][]string // messages at the vendor, by channel and thread
	inFlight []*attempt.Job      // calls without a reported outcome
	starts   int                 // number of starts; each start may repeat the calls in flight
}

func (w *vendors) lane(channel, thread string) string { return channel + " " + thread }

// send sends the next message of a thread, or repeats it if it was not accepted.
func (w *vendors) send(thread string) bool {
	n := w.sent[thread] + 1
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := w.Accept(ctx, []*inbound.Envelope{message(w.rt, "web", thread, fmt.Sprint("m", n), fmt.Sprint(n))})
	if err == nil {
		w.sent[thread] = n
	}
	return err == nil
}

// call makes the call of a released delivery.
func (w *vendors) call(channel string) bool {
	j := w.lanes.take(channel)
	if j == nil {
		return false
	}
	key := w.lane(channel, j.Conv.Thread)
	for _, f := range w.inFlight {
		if f.Conv.ID == j.Conv.ID && f.Delivery.Channel == channel {
			w.Fatalf("%s has two calls in flight", key)
		}
	}
	w.effects[key] = append(w.effects[key], w.text(j))
	w.inFlight = append(w.inFlight, j)
	return true
}

// text reads the text of a job, also while a record is in doubt.
func (w *vendors) text(j *attempt.Job) string { return w.textOf(j) }

// report passes the outcome of a call in flight to the writer.
func (w *vendors) report(i int) {
	j := w.inFlight[i]
	w.inFlight = slices.Delete(w.inFlight, i, i+1)
	o := attempt.Outcome{Result: attempt.ResultDelivered}
	if text := w.text(j); j.Delivery.Channel == "faq" && needsReply(text) {
		o.Replies = []*inbound.Envelope{message(w.rt, "faq", j.Thread, "r"+text, text)}
	}
	w.Finish(outcome(j, o))
}

func needsReply(text string) bool {
	var n int
	_, _ = fmt.Sscan(text, &n)
	return n%2 == 0
}

func (w *vendors) restart(crash bool) {
	if crash {
		w.crash()
	} else if err := w.stop(); err != nil && !errors.Is(err, errRecordInDoubt) {
		w.Fatalf("Run = %v", err)
	}
	w.checkRestored()
	w.inFlight = nil
	w.starts++
	w.open()
}

func (w *vendors) step() {
	threads := []string{"a", "b", "c"}
	switch rapid.SampledFrom([]string{
		"send", "send", "send", "send", "call", "call", "call", "report", "report", "report", "refuse", "fault", "wait", "stop", "crash",
	}).Draw(w.rt, "what") {
	case "send":
		w.send(rapid.SampledFrom(threads).Draw(w.rt, "thread"))
	case "call":
		w.call(rapid.SampledFrom([]string{"faq", "web"}).Draw(w.rt, "channel"))
	case "report":
		if len(w.inFlight) > 0 {
			w.report(rapid.IntRange(0, len(w.inFlight)-1).Draw(w.rt, "call"))
		}
	case "refuse": // the vendor refuses the call temporarily, without an effect
		if j := w.lanes.take("faq"); j != nil {
			w.Finish(outcome(j, attempt.Outcome{Result: attempt.ResultRetry, Error: "transient", Next: time.Now().Add(time.Second)}))
		}
	case "fault":
		w.log.Fail(rapid.SliceOfN(rapid.SampledFrom([]memory.Fault{memory.None, memory.LostStored, memory.LostUnstored, memory.Full}), 1, 3).
			Draw(w.rt, "faults")...)
	case "wait":
		time.Sleep(time.Duration(rapid.IntRange(1, 3000).Draw(w.rt, "ms")) * time.Millisecond)
	case "stop":
		w.restart(false)
	case "crash":
		w.restart(true)
	}
	if rapid.Bool().Draw(w.rt, "settle") {
		synctest.Wait()
	}
}

// finishAllCalls finishes calls until none is in flight. The remaining faults happen in this time.
func (w *vendors) finishAllCalls() {
	for _, thread := range []string{"a", "b", "c"} {
		for tries := 0; !w.send(thread); tries++ {
			if tries > 300 {
				w.Fatalf("the writer keeps refusing a message of thread %s", thread)
			}
			time.Sleep(time.Second)
		}
	}
	for quiet := 0; quiet < 3; {
		time.Sleep(2 * time.Second)
		synctest.Wait()
		busy := false
		for _, channel := range []string{"faq", "web"} {
			for w.call(channel) {
				busy = true
			}
		}
		for len(w.inFlight) > 0 {
			w.report(0)
		}
		quiet++
		if busy {
			quiet = 0
		}
	}
}

// checkEffects compares the messages that reached the vendor of each lane with the accepted messages.
func (w *vendors) checkEffects() {
	for thread, n := range w.sent {
		var asked, answered []string
		for i := 1; i <= n; i++ {
			asked = append(asked, fmt.Sprint(i))
			if i%2 == 0 {
				answered = append(answered, fmt.Sprint(i))
			}
		}
		for channel, want := range map[string][]string{"faq": asked, "web": answered} {
			saw := w.effects[w.lane(channel, thread)]
			once := slices.Compact(slices.Clone(saw))
			if !slices.Equal(once, want) {
				w.Fatalf("%s saw %v of thread %s, want %v in order", channel, saw, thread, want)
			}
			if more := len(saw) - len(once); more > w.starts {
				w.Fatalf("%s saw %d repeats of thread %s in %d restarts: %v", channel, more, thread, w.starts, saw)
			}
		}
	}
}

// checkTimers checks that the rules of each timer have run in each conversation with an unanswered message.
func (w *vendors) checkTimers() {
	time.Sleep(2 * conversation.MaxOverdueWait)
	synctest.Wait()
	for thread := range w.sent {
		if c := w.conv(thread); !c.UnansweredSince.IsZero() && c.TimerDone != lastTimer {
			w.Fatalf("the timers of thread %s were run up to %v, want %v", thread, c.TimerDone, lastTimer)
		}
	}
}

const lastTimer = 2 * time.Second

// machineRules returns rules with timers that queue no deliveries.
func machineRules() []route.Rule {
	var out []route.Rule
	for _, after := range []time.Duration{time.Second, lastTimer} {
		out = append(out, route.Rule{
			Name: fmt.Sprintf("silent-%d", int(after.Seconds())), Events: []route.Event{route.EventUnanswered}, After: after,
			Set: map[string]string{"silent": after.String()},
		})
	}
	return out
}

// bubble hides the deadline of the test from rapid, because it is not a time of the bubble's clock.
type bubble struct{ *testing.T }

// TestNothingIsLostOrReordered checks that each accepted message is delivered in order, with at most one duplicate for
// each crash, and that the rules of timers run in spite of failures and restarts.
func TestNothingIsLostOrReordered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(bubble{t}, func(rt *rapid.T) {
			h := openHarness(rt, func(o *Options) { o.Policy.Routes = compileRules(rt, machineRules()...) })
			w := &vendors{harness: h, rt: rt, sent: map[string]int{}, effects: map[string][]string{}}
			defer func() { w.crash() }()
			for range rapid.IntRange(10, 80).Draw(rt, "steps") {
				w.step()
			}
			w.finishAllCalls()
			w.checkEffects()
			w.checkTimers()
		})
	})
}
