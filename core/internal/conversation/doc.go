// Package conversation decides who answers a customer, and proves it.
//
// It is pure: no input or output, no clock and no randomness but what is passed in. A Turn looks at
// the state of a Book through a layer of its own, takes inputs (an inbound envelope, the outcome of a
// delivery, a deadline, an operator's command) and writes down Changes. Each change is folded
// into the layer at once, by the same code that folds a record read back from the log, so a
// decision and its replay can't differ. When the record is stored, Turn.Commit moves the layer
// into the book; when storing failed, the turn is simply forgotten.
//
// The invariants:
//
//   - A conversation always has exactly one owner. Its epoch grows with each change of owner.
//   - What comes from a channel that is not the owner, or on a thread of an earlier term, never
//     reaches the customer: the fence.
//   - At most one offer is pending. The owner stays owner until the offer is accepted.
//   - Every accepted message ends in exactly one of: delivered, fenced, dropped, unrouted, dead.
//   - A lane (one conversation, one channel) is a queue; only its head is ever in flight.
package conversation
