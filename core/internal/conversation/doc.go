// Package conversation decides which channel answers a customer, and where messages go.
//
// A [Transaction] takes inputs: received envelopes, outcomes of deliveries, deadlines and operators' commands. It adds
// each decision to a record, as a change, and folds the change immediately into a layer over the [state.State]. After
// the record is stored, Transaction.Commit moves the layer into the state. If the record cannot be stored, the
// transaction is discarded, and the state is unchanged.
//
// The package is pure: no input or output, no randomness, no clock except the time that is passed in.
//
// The invariants:
//
//   - A conversation always has exactly one owner. Its epoch grows with each change of owner.
//   - Fencing: an envelope from a channel that is not the owner, or on a thread of an earlier epoch, never reaches the
//     customer.
//   - At most one offer is pending. The owner stays owner until the offer is accepted.
//   - Every accepted message ends in exactly one way: delivered, fenced, blank, dropped, unrouted or dead.
//   - A lane is the ordered queue of one conversation towards one channel. Only its head can be in flight.
package conversation
