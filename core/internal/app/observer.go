package app

import (
	"log/slog"
	"strings"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/writer"
)

// observer counts every record. It logs events for operators: handovers, closings, offers, dead letters, unrouted
// envelopes, failing rules. It does not log ordinary messages. Each message can cause a failing rule, a dead letter
// or an unrouted envelope, so the number of these lines is limited.
type observer struct {
	*telemetry.Metrics
	log     *slog.Logger
	limiter *telemetry.LogLimiter
}

// Limits of the log lines about one failing rule, and about the dead letters or the unrouted envelopes of one channel.
const (
	repeatedLines  = 5
	repeatedWindow = time.Minute
)

func newObserver(m *telemetry.Metrics, log *slog.Logger) *observer {
	report := func(key string, suppressed int) {
		event, name, _ := strings.Cut(key, " ")
		log.Warn("lines not logged", "event", event, "name", name, "count", suppressed)
	}
	return &observer{m, log, telemetry.NewLogLimiter(repeatedLines, repeatedWindow, report)}
}

var _ writer.Observer = (*observer)(nil)

// Committed implements writer.Observer.
func (o *observer) Committed(c writer.Commit) {
	o.Metrics.Committed(c)
	for _, ch := range c.Record.GetChanges() {
		o.logChange(c, ch)
	}
}

func (o *observer) logChange(c writer.Commit, ch *journal.Change) {
	conv := slog.String("conversation", ch.GetConversation())
	switch k := ch.GetKind().(type) {
	case *journal.Change_Passed:
		o.log.Info("control passed", conv, "from", k.Passed.GetFrom(), "to", k.Passed.GetOwner(),
			"epoch", k.Passed.GetEpoch(), "reason", k.Passed.GetReason())
	case *journal.Change_Closing:
		o.log.Info("conversation closed", conv, "reason", k.Closing.GetRule())
	case *journal.Change_Offered:
		o.log.Info("conversation offered", conv, "channel", k.Offered.GetTarget(), "rule", k.Offered.GetRule())
	case *journal.Change_OfferEnded:
		o.log.Info("offer ended", conv, "channel", k.OfferEnded.GetTarget(), "outcome", k.OfferEnded.GetOutcome(),
			"reason", k.OfferEnded.GetReason())
	case *journal.Change_DeadLettered:
		d := k.DeadLettered
		if !o.limiter.Allow("given_up " + d.GetDelivery().GetChannel()) {
			return
		}
		o.log.Warn("delivery given up", conv, "channel", d.GetDelivery().GetChannel(),
			"delivery", d.GetDelivery().GetId(), "kind", d.GetError(), "attempts", d.GetAttempts(),
			"error", d.GetText())
	case *journal.Change_Disposed:
		d := k.Disposed
		if d.GetStatus() != state.StatusUnrouted || !o.limiter.Allow("unrouted "+d.GetChannel()) {
			return
		}
		id := d.GetId()
		if d.GetPosition().GetSeq() == c.Seq {
			id = c.Record.EnvelopeID(d.GetPosition())
		}
		o.log.Info("envelope unrouted", conv, "id", id, "channel", d.GetChannel(), "reason", d.GetReason())
	case *journal.Change_Routed:
		for _, e := range k.Routed.GetErrors() {
			rule, _, _ := strings.Cut(e, ":")
			if !o.limiter.Allow("rule " + rule) {
				continue
			}
			o.log.Warn("rule had no effect", conv, "event", k.Routed.GetEvent(), "error", e)
		}
	}
}
