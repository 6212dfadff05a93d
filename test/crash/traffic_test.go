package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// said is a customer's message that the gateway has answered with 200.
type said struct {
	user, id string
	at       time.Time
}

// refusal is one call of a customer that was not answered with 200.
type refusal struct {
	at     time.Time
	status int
	err    error
}

// traffic is customers, bots and agents who talk through one gateway. Each message is named by its first word, which
// begins with its customer's name: "c07-012 hello".
type traffic struct {
	w       *harness.World
	seed    uint64
	said    simulator.Log[said] // in the order of acceptance per customer
	refused simulator.Log[refusal]

	ctx     context.Context // of all
	end     context.CancelFunc
	talking context.Context // when it ends, customers say nothing more
	hush    context.CancelFunc
	shift   context.Context // when it ends, agents and late bots come to an end at once
	gong    context.CancelFunc

	pace      *rate.Limiter
	customers sync.WaitGroup
	staffed   sync.WaitGroup
	serial    atomic.Int64
	pictures  bool   // customers and agents also send pictures; set before begin
	hold      func() // what vendors do between effect and answer, if not linger; set before the gateway starts
}

func messageID(user string, n int) string { return fmt.Sprintf("%s-%03d", user, n) }

// name returns the first word of a message, and customer the name in front of it.
func name(text string) string {
	first, _, _ := strings.Cut(text, " ")
	return first
}

func customer(name string) string {
	user, _, _ := strings.Cut(name, "-")
	return user
}

// newTraffic starts the vendors; nobody talks yet.
func newTraffic(t *testing.T, seed uint64, change ...func(*traffic, *harness.Vendors)) *traffic {
	t.Helper()
	tr := &traffic{seed: seed}
	tr.ctx, tr.end = context.WithCancel(context.Background())
	tr.talking, tr.hush = context.WithCancel(tr.ctx)
	tr.shift, tr.gong = context.WithCancel(tr.ctx)
	v := tr.vendors()
	for _, c := range change {
		c(tr, &v)
	}
	tr.w = harness.NewWorld(t, v)
	t.Cleanup(func() { // before the world ends: cleanups run in reverse
		tr.end()
		tr.customers.Wait()
		tr.staffed.Wait()
	})
	return tr
}

// begin lets customers, agents and late bots talk: perSecond messages by all customers together, each customer most.
func (tr *traffic) begin(customers, perSecond, most int) {
	tr.talk(customers, perSecond, most)
	tr.staffed.Go(tr.staff)
	tr.staffed.Go(tr.lateBots)
}

// talk lets customers talk, and nobody else.
func (tr *traffic) talk(customers, perSecond, most int) {
	tr.pace = rate.NewLimiter(rate.Limit(perSecond), 1)
	for i := range customers {
		user := fmt.Sprintf("c%02d", i)
		tr.customers.Go(func() { tr.customer(user, most) })
	}
}

// customer says one message after the other, each until it is taken.
func (tr *traffic) customer(user string, most int) {
	rnd := chance(tr.seed, "customer", user)
	for n := 1; n <= most; n++ {
		if tr.pace.Wait(tr.talking) != nil {
			return
		}
		id := messageID(user, n)
		if tr.pictures && rnd.IntN(3) == 0 {
			if !tr.show(rnd, user, id+"p") {
				return
			}
			continue
		}
		text := id + " hello"
		if rnd.IntN(12) == 0 {
			text = id + " an agent please"
		}
		if !tr.say(rnd, user, id, text) {
			return
		}
	}
}

func (tr *traffic) say(rnd *rand.Rand, user, id, text string, opts ...native.Option) bool {
	opts = append(opts, native.WithMessageID(id))
	for {
		status, _, err := tr.w.Livechat.Say(tr.ctx, user, text, opts...)
		if err == nil && status == http.StatusOK {
			tr.said.Append(said{user, id, time.Now()})
			return true
		}
		tr.refused.Append(refusal{time.Now(), status, err})
		if !pause(tr.ctx, time.Duration(20+rnd.IntN(60))*time.Millisecond) {
			return false
		}
	}
}

// pause lets d pass. It returns false at once when ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
