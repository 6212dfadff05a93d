package state

// Statuses of a message or delivery. The log, the trail, the metrics and the API use the same list.
const (
	StatusAccepted  = "accepted"
	StatusDuplicate = "duplicate"
	StatusHeld      = "held"
	StatusQueued    = "queued"
	StatusSent      = "sent" // of a Decision: queued for a channel
	StatusRetrying  = "retrying"
	StatusDelivered = "delivered"
	StatusFenced    = "fenced"
	StatusDropped   = "dropped"
	StatusMoved     = "moved"
	StatusMerged    = "merged"
	StatusUnrouted  = "unrouted"
	StatusBlank     = "blank"
	StatusAdmitted  = "admitted" // a pending envelope whose thread became known
	StatusDead      = "dead"
	StatusReplayed  = "replayed" // a dead letter that was queued again
	StatusExpired   = "expired"  // a dead letter beyond its age or the maximum number
)

// Outcomes of an offer.
const (
	OfferAccepted     = "accepted"
	OfferDeclined     = "declined"
	OfferExpired      = "expired"
	OfferClosed       = "closed" // the target left before it accepted
	OfferUnreachable  = "unreachable"
	OfferOutsideHours = "outside_hours" // the channel's hours refused it
	OfferPaused       = "paused"        // an operator paused the channel
	OfferWithdrawn    = "withdrawn"
)

// ReasonArchived is the reason of the change Closed that follows Closing.
const ReasonArchived = "archived"

// Reasons of the change Closing, in addition to the names of rules.
const (
	ReasonCloseAfter = "close_after"
	ReasonOperator   = "operator" // a command of an operator
)
