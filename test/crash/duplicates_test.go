package crash

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// callsPerEvent is the number of concurrent calls with the same event.
const callsPerEvent = 3

// TestDuplicates sends each event of all three vendors several times concurrently, and again after a restart. Each
// event must have its effect once.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	tr := newTraffic(t, seed(t))
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: routes})
	tr.staff.Go(tr.runAgents)
	const customers, each = 20, 8 // fewer than the ids that the gateway remembers per conversation
	for i := range customers {
		tr.customers.Go(func() {
			user := fmt.Sprintf("c%02d", i)
			for n := 1; n <= each; n++ {
				if !tr.sayConcurrently(t, user, n) {
					return
				}
				tr.sent.Append(sentMessage{user, messageID(user, n), time.Now()})
			}
		})
	}
	tr.customers.Wait()
	tr.finish(t, g)
	tr.repeatPushes(t)
	tr.finish(t, g)
	before := tr.gather(t, g, nil)

	g.Restart(t)
	for i := range customers {
		for n := 1; n <= each; n++ {
			tr.sayConcurrently(t, fmt.Sprintf("c%02d", i), n)
		}
	}
	tr.repeatPushes(t)
	tr.finish(t, g)

	e := tr.gather(t, g, nil)
	v := evaluate(e)
	v.report(t)
	if n, m := len(e.arrivals), len(before.arrivals); n != m {
		t.Errorf("%d messages of customers arrived, want %d as before the restart", n, m)
	}
	repeated := g.Metric(t, "patchbay_duplicates_total") // since the restart
	t.Logf("repeated=%v %s", repeated, v.tally)
	if want := float64(callsPerEvent * (customers*each + len(e.answers))); repeated < want {
		t.Errorf("%v duplicates counted after the restart, want at least %v", repeated, want)
	}
	if v.tally.duplicates > 0 || v.tally.messages != customers*each || v.tally.handovers == 0 {
		t.Errorf("unexpected result: %s", v.tally)
	}
}

// sayConcurrently sends a customer's message several times concurrently. A third of the customers ask for an agent in
// their fourth message.
func (tr *traffic) sayConcurrently(t *testing.T, user string, n int) bool {
	id := messageID(user, n)
	text := id + " hello"
	if n == 4 && int(user[2]-'0')%3 == 0 {
		text = id + " an agent please"
	}
	var calls sync.WaitGroup
	for range callsPerEvent {
		calls.Go(func() {
			status, body, err := tr.w.Livechat.Say(tr.ctx, user, text, native.WithMessageID(id))
			if err != nil || status != http.StatusOK {
				t.Errorf("say %s: status %d, %v: %s", id, status, err, body)
			}
		})
	}
	calls.Wait()
	return !t.Failed()
}

// repeatPushes repeats all webhook calls of the vendors several times concurrently, with new credentials.
func (tr *traffic) repeatPushes(t *testing.T) {
	t.Helper()
	client := simulator.NewClient()
	defer client.CloseIdleConnections()
	slots := make(chan struct{}, 32)
	var calls sync.WaitGroup
	for _, o := range append(tr.w.Bots.Outcomes.All(), tr.w.Desk.Outcomes.All()...) {
		for range callsPerEvent {
			slots <- struct{}{}
			calls.Go(func() {
				defer func() { <-slots }()
				tr.repeatPush(t, client, o.Call)
			})
		}
	}
	calls.Wait()
}

func (tr *traffic) repeatPush(t *testing.T, client *http.Client, c simulator.Call) {
	r, err := http.NewRequestWithContext(tr.ctx, http.MethodPost, c.URL, bytes.NewReader(c.Body))
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	c.Authenticate(r, c.Body, false)
	resp, err := client.Do(r)
	if err != nil {
		t.Errorf("repeat push: %v", err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("repeat push: status %d, %v: %s", resp.StatusCode, err, body)
	}
}
