// Package conversation decides who answers a customer.
//
// A [Transaction] takes inputs (a received envelope, the outcome of a delivery, a deadline, an operator's command) and
// decides on a layer over the [state.State]. Each decision is a change of the journal, which is folded into the layer
// immediately. When the record is stored, Transaction.Commit moves the layer into the state. If storing failed, the
// transaction is dropped and leaves no trace.
//
// The package is pure: no input or output, no randomness, no clock except the time that is passed in.
//
// The invariants:
//
//   - A conversation always has exactly one owner. Its epoch grows with each change of owner.
//   - Fencing: an envelope from a channel that is not the owner, or on a thread of an earlier epoch, never reaches the
//     customer.
//   - At most one offer is pending. The owner stays owner until the offer is accepted.
//   - Every accepted message ends in exactly one of: delivered, fenced, blank, dropped, unrouted, dead.
//   - A lane (one conversation, one channel) is a queue; only its head is ever in flight.
package conversation
