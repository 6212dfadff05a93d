package recorded

import (
	"fmt"
	"slices"
	"time"

	"patchbay/core/internal/journal"
)

// noteOpening notes the parts of a former conversation of the customer with which the conversation begins.
func (x *Export) noteOpening(at time.Time, r *journal.Record, o *journal.Opened) {
	if len(o.GetUnanswered()) > 0 {
		x.omit("a former conversation of the customer, whose unanswered messages begin the history")
	}
	if !slices.ContainsFunc(r.GetChanges(), func(ch *journal.Change) bool {
		return ch.GetConversation() == x.Conversation && ch.GetAccepted() != nil
	}) {
		x.omit("a former conversation of the customer, whose undelivered messages opened this one")
		x.add(&exportStep{at: at})
	}
}

// noteRestart notes a restart or a reload of the gateway since the last record.
func (x *Export) noteRestart(r *journal.Record) {
	switch {
	case x.started.IsZero():
	case r.GetLease() != x.lease:
		x.omit("a restart of the gateway")
	case r.GetRevision() != x.revision:
		x.omit("a change of the configuration")
	}
	x.lease, x.revision = r.GetLease(), r.GetRevision()
}

// omit notes a cause that the test does not repeat.
func (x *Export) omit(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(x.omitted, s) {
		x.omitted = append(x.omitted, s)
	}
}
