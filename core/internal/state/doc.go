// Package state holds the gateway's state: conversations with their lanes, pending envelopes, dead letters and cursors.
//
// A [State] is the fold of all changes in the log. The same code folds new decisions and restored records into a
// [Layer] over the state, so the restored state cannot differ from the decided state. Layer.Commit moves the layer
// into the state. A layer without Commit changes nothing.
//
// The package is pure: no input or output, no clock, no randomness. Package conversation makes the decisions.
package state
