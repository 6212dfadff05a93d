package trail

import (
	"time"

	"github.com/google/uuid"

	"patchbay/core/internal/journal"
)

// timeOf returns the time in an id of the gateway, which is a UUIDv7 with dashes. It returns false for other ids. A
// vendor's id can have the same form.
func timeOf(id string) (time.Time, bool) {
	if len(id) != 36 {
		return time.Time{}, false
	}
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return time.Time{}, false
	}
	return time.Unix(u.Time().UnixTime()), true
}

// earliest returns the earliest time in ids, without empty ids. It returns false if an id has no time.
func earliest(ids []string) (time.Time, bool) {
	var first time.Time
	for _, id := range ids {
		if id == "" {
			continue
		}
		at, ok := timeOf(id)
		if !ok {
			return time.Time{}, false
		}
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first, !first.IsZero()
}

// idsOf returns all ids in a change except its conversation's.
func idsOf(ch *journal.Change) []string {
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
	case *journal.Change_DeliveryFailed:
		return []string{k.DeliveryFailed.GetDelivery()}
	case *journal.Change_Late:
		return []string{k.Late.GetDelivery()}
	case *journal.Change_DeadLettered:
		return []string{k.DeadLettered.GetDelivery().GetId()}
	case *journal.Change_DeadLetterEnded:
		return []string{k.DeadLetterEnded.GetDead()}
	}
	return nil
}
