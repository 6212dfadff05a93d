package conversation

import (
	"fmt"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// BenchmarkMessage measures the decisions on a customer's message and on the outcome of its delivery. Each record has
// 16 of them, as under load.
func BenchmarkMessage(b *testing.B) {
	const customers, batch = 1000, 16
	h := &harness{tester: b}
	h.policy, h.now = testPolicy(b), midnight
	s, seq := state.New(), uint64(0)
	transact := func(f func(tx *Transaction)) *Transaction {
		seq++
		h.now = h.now.Add(5 * time.Millisecond)
		tx := Begin(s, h.policy, h.now, seq, h.newID)
		f(tx)
		return tx
	}
	serial := 0
	message := func(tx *Transaction, customer int) {
		serial++
		e := &envelope.Envelope{
			Channel: "web", Thread: fmt.Sprintf("customer-%d", customer), Kind: envelope.KindMessage, SentAt: h.now,
			VendorID: fmt.Sprintf("m-%d", serial), Parts: []envelope.Part{envelope.TextPart("where is my parcel?")},
			Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: "customer"}, Attributes: map[string]string{"native.agent": "qa"},
		}
		tx.Receive(&inbound.Envelope{Channel: "web", Envelope: e, Bytes: make([]byte, 300)})
	}
	// deliver makes all deliveries of the changed conversations succeed.
	var deliver func(tx *Transaction)
	deliver = func(tx *Transaction) {
		var ended []*attempt.Outcome
		tx.EachChanged(func(c *state.Conversation) {
			for i := range c.Lanes {
				d := &c.Lanes[i].Queue[0]
				o := &attempt.Outcome{Conversation: c.ID, Delivery: d.ID, Channel: d.Channel, Kind: d.Kind}
				if d.Kind == state.KindOpen {
					o.Thread = "thread-" + c.ID
				} else if th := c.Threads[d.Channel]; th != nil {
					o.Thread = th.ID
				}
				ended = append(ended, o)
			}
		})
		tx.Commit()
		if len(ended) > 0 {
			deliver(transact(func(tx *Transaction) {
				for _, o := range ended {
					tx.ApplyOutcome(o)
				}
			}))
		}
	}
	for i := range 30 * customers {
		deliver(transact(func(tx *Transaction) { message(tx, i%customers) }))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += batch {
		deliver(transact(func(tx *Transaction) {
			for j := range batch {
				message(tx, (i+j)%customers)
			}
		}))
	}
}
