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

// sentMessage is a customer's message that the gateway accepted.
type sentMessage struct {
	user, id string
	at       time.Time
}

// refusal is a call with a customer's message that the gateway did not accept.
type refusal struct {
	at     time.Time
	status int
	err    error
}

// traffic runs customers, bots and agents that write to each other through one gateway. The first word of a customer's
// message is its name, which starts with the name of the customer: "c07-012 hello".
type traffic struct {
	w       *harness.World
	seed    uint64
	sent    simulator.Log[sentMessage] // for each customer in the order of acceptance
	refused simulator.Log[refusal]

	ctx           context.Context // parent of the other contexts
	stopAll       context.CancelFunc
	customersCtx  context.Context // when it ends, customers send no more messages
	stopCustomers context.CancelFunc
	staffCtx      context.Context // when it ends, agents and sendLateAnswers stop immediately
	stopStaff     context.CancelFunc

	pace      *rate.Limiter
	customers sync.WaitGroup
	staff     sync.WaitGroup
	serial    atomic.Int64

	// Set these before start.
	pictures       bool   // customers and agents also send pictures
	beforeResponse func() // called between the effect of a vendor's call and its response; nil means a random delay
}

func messageID(user string, n int) string { return fmt.Sprintf("%s-%03d", user, n) }

// messageName returns the first word of a message.
func messageName(text string) string {
	first, _, _ := strings.Cut(text, " ")
	return first
}

// customerOf returns the customer in the name of a message.
func customerOf(name string) string {
	user, _, _ := strings.Cut(name, "-")
	return user
}

// newTraffic starts the simulated vendors. It starts no customers and agents.
func newTraffic(t *testing.T, seed uint64, change ...func(*traffic, *harness.Vendors)) *traffic {
	t.Helper()
	tr := &traffic{seed: seed}
	tr.ctx, tr.stopAll = context.WithCancel(context.Background())
	tr.customersCtx, tr.stopCustomers = context.WithCancel(tr.ctx)
	tr.staffCtx, tr.stopStaff = context.WithCancel(tr.ctx)
	v := tr.vendors()
	for _, c := range change {
		c(tr, &v)
	}
	tr.w = harness.NewWorld(t, v)
	t.Cleanup(func() { // runs before the cleanup of the world
		tr.stopAll()
		tr.customers.Wait()
		tr.staff.Wait()
	})
	return tr
}

// start starts customers, agents and late answers of bots. The customers together send perSecond messages per second.
// Each customer sends at most perCustomer messages.
func (tr *traffic) start(customers, perSecond, perCustomer int) {
	tr.startCustomers(customers, perSecond, perCustomer)
	tr.staff.Go(tr.runAgents)
	tr.staff.Go(tr.sendLateAnswers)
}

// startCustomers starts only the customers of start.
func (tr *traffic) startCustomers(customers, perSecond, perCustomer int) {
	tr.pace = rate.NewLimiter(rate.Limit(perSecond), 1)
	for i := range customers {
		user := fmt.Sprintf("c%02d", i)
		tr.customers.Go(func() { tr.runCustomer(user, perCustomer) })
	}
}

// runCustomer sends the messages of a customer one after the other.
func (tr *traffic) runCustomer(user string, messages int) {
	rnd := newRand(tr.seed, "customer", user)
	for n := 1; n <= messages; n++ {
		if tr.pace.Wait(tr.customersCtx) != nil {
			return
		}
		id := messageID(user, n)
		if tr.pictures && rnd.IntN(3) == 0 {
			if !tr.sendPicture(rnd, user, id+"p") {
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

// say sends a message repeatedly until the gateway accepts it. It returns false if the test ends first.
func (tr *traffic) say(rnd *rand.Rand, user, id, text string, opts ...native.Option) bool {
	opts = append(opts, native.WithMessageID(id))
	for {
		status, _, err := tr.w.Livechat.Say(tr.ctx, user, text, opts...)
		if err == nil && status == http.StatusOK {
			tr.sent.Append(sentMessage{user, id, time.Now()})
			return true
		}
		tr.refused.Append(refusal{time.Now(), status, err})
		wait := time.Duration(20+rnd.IntN(60)) * time.Millisecond
		if status == http.StatusTooManyRequests {
			wait += time.Second // the gateway's Retry-After
		}
		if !pause(tr.ctx, wait) {
			return false
		}
	}
}

// pause waits for d and returns true. It returns false if ctx ends first.
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
