package conversation

// Statuses of a message or delivery: one closed list, the same in the log, the trail, the metrics and the API.
const (
	StatusAccepted  = "accepted"
	StatusDuplicate = "duplicate"
	StatusHeld      = "held"
	StatusQueued    = "queued"
	StatusRetrying  = "retrying"
	StatusDelivered = "delivered"
	StatusConfirmed = "confirmed"
	StatusFenced    = "fenced"
	StatusDropped   = "dropped"
	StatusMoved     = "moved"
	StatusMerged    = "merged"
	StatusUnrouted  = "unrouted"
	StatusDead      = "dead"
	StatusReplayed  = "replayed" // a dead letter that was queued again
	StatusExpired   = "expired"  // a dead letter that was too old, or one too many
)

// Outcomes of an offer.
const (
	OfferAccepted    = "accepted"
	OfferDeclined    = "declined"
	OfferExpired     = "expired"
	OfferClosed      = "closed"
	OfferUnreachable = "unreachable"
	OfferWithdrawn   = "withdrawn"
)
