package state

// Limits of one conversation's state.
const (
	MaxHistory       = 50 // history entries that are kept
	MaxMoves         = 32 // moves of control that are remembered
	maxDigests       = 64 // vendor ids that are remembered
	maxFormerThreads = 16
)
