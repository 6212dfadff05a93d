// Package state holds the gateway's state: conversations with their lanes, pending envelopes, dead letters and cursors.
//
// A [State] is the fold of the journal's changes. Changes are folded into a [Layer] over the state, by the same code
// for a new decision and for a record that is read from the log, so the restored state cannot differ from the decided
// one. Layer.Commit moves the layer into the state; a layer that is dropped leaves no trace.
//
// The package is pure: no input or output, no clock, no randomness. It does not know how decisions are made.
package state
