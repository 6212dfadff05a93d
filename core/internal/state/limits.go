package state

// Limits of one conversation's state.
const (
	MaxHistory       = 50 // history entries that are kept
	MaxHandoverTimes = 32 // counted handovers whose times are remembered
	maxFormerThreads = 16
)
