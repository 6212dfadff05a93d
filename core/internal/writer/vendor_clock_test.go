package writer

import (
	"testing"
	"testing/synctest"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/inbound"
	"patchbay/sdk/protocol"
)

func answer(t *testing.T, id, text string, sentAt time.Time) *inbound.Envelope {
	t.Helper()
	in := message(t, "faq", "", id, text)
	in.Envelope.SentAt = sentAt
	return in
}

// TestAnswersWithFutureTimesFenceNoLaterAnswers checks answers in webhooks and in outcomes, on a thread that is kept
// over several epochs.
func TestAnswersWithFutureTimesFenceNoLaterAnswers(t *testing.T) {
	for _, pushed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := openHarness(t)
			defer h.stop()
			thread := ""
			say := func(id, text string, sentAt time.Time) {
				t.Helper()
				h.customer("w1", "m"+id, "hello")
				job := h.head("faq")
				thread = job.Thread
				in := answer(t, id, text, sentAt)
				in.Envelope.Thread = thread
				in.Bytes, _ = protocol.EncodeEnvelope(in.Envelope)
				if pushed {
					h.finish(job, attempt.Outcome{Result: attempt.ResultDelivered})
					if err := h.Accept(t.Context(), []*inbound.Envelope{in}); err != nil {
						t.Fatal(err)
					}
				} else {
					h.finish(job, attempt.Outcome{Result: attempt.ResultDelivered, Replies: []*inbound.Envelope{in}})
				}
				synctest.Wait()
			}
			deliver := func(want string) {
				t.Helper()
				job := h.head("web")
				if got := h.textOf(job); got != want {
					t.Fatalf("the customer got %q, want %q", got, want)
				}
				h.finish(job, attempt.Outcome{Result: attempt.ResultDelivered})
			}
			say("1", "from tomorrow", time.Now().Add(24*time.Hour))
			deliver("from tomorrow")
			h.customer("w1", "d", "desk now")
			time.Sleep(time.Second)
			h.customer("w1", "b", "bot now")
			h.finish(h.head("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
			say("2", "from now", time.Now())
			deliver("from now")
			say("3", "a little ahead", time.Now().Add(time.Minute))
			deliver("a little ahead")
			if got := h.commits.ahead; len(got) != 1 || got[0] != "faq" {
				t.Errorf("counted %v, want one answer of faq", got)
			}
			for _, r := range h.records() {
				for _, s := range r.GetEnvelopes() {
					e, err := protocol.DecodeEnvelope(s.GetEnvelope())
					if err != nil || e.SentAt.After(time.Now().Add(maxAhead)) {
						t.Errorf("the log has an envelope with the time %v, %v", e.SentAt, err)
					}
				}
			}
		})
	}
}
