package trail

import (
	"time"

	"github.com/google/uuid"

	"patchbay/core/internal/journal"
)

// timeOf returns when an id of the gateway's own was made; false if it has not their form, a dashed UUIDv7. A vendor's
// id may have it too.
func timeOf(id string) (time.Time, bool) {
	if len(id) != 36 {
		return time.Time{}, false
	}
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return time.Time{}, false
	}
	var ms int64
	for _, b := range u[:6] {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms), true
}

// ids returns every id that a change mentions, but for its conversation's.
func ids(ch *journal.Change) []string {
	switch k := ch.GetKind().(type) {
	case *journal.Change_Opened:
		return []string{k.Opened.GetThread(), k.Opened.GetSenderId()}
	case *journal.Change_Accepted:
		return []string{k.Accepted.GetVendorId(), k.Accepted.GetThread()}
	case *journal.Change_Duplicate:
		return []string{k.Duplicate.GetVendorId()}
	case *journal.Change_Linked:
		return []string{k.Linked.GetThread()}
	case *journal.Change_Queued:
		return []string{k.Queued.GetDelivery().GetId()}
	case *journal.Change_Attempted:
		return []string{k.Attempted.GetDelivery()}
	case *journal.Change_Ended:
		return []string{k.Ended.GetDelivery(), k.Ended.GetVendorId()}
	case *journal.Change_Late:
		return []string{k.Late.GetDelivery()}
	case *journal.Change_DeadLettered:
		return []string{k.DeadLettered.GetDelivery().GetId()}
	case *journal.Change_DeadLetterEnded:
		return []string{k.DeadLetterEnded.GetDead()}
	}
	return nil
}
