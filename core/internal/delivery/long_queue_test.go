package delivery

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/state"
)

// BenchmarkCancelInLongQueue cancels a delivery in the middle of a queue of 100,000.
func BenchmarkCancelInLongQueue(b *testing.B) {
	const length = 100_000
	e := New(Options{
		Channels: []Channel{{Name: "faq", Adapter: "bot"}}, Finish: func(*attempt.Outcome) {}, // no call can start
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	submit := func(i int) {
		e.Submit(&attempt.Job{
			Delivery: state.Delivery{ID: fmt.Sprint("d", i), Channel: "faq", Kind: state.KindSend, QueuedAt: time.Now()},
			Conv:     &state.Conversation{ID: fmt.Sprint("c", i)},
		})
	}
	for i := range length {
		submit(i)
	}
	i := 0
	for b.Loop() {
		e.Cancel(fmt.Sprint("d", i+length/2))
		submit(i + length)
		i++
	}
}
