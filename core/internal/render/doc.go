// Package render adapts an envelope to its target channel. It splits long text. Text replaces media and other parts
// that the channel does not take. The package also makes the text of transcripts.
//
// When an envelope is queued, the number of its deliveries is computed from its [Extent]. The content of a delivery is
// rendered before its call. Package render is pure: no input or output, no clock, no randomness.
package render

import "patchbay/sdk/envelope"

// Target describes the content that a channel takes.
type Target struct {
	TextBytes     int                        // maximum size of the text in one delivery; 0 is no limit
	Parts         map[envelope.PartType]bool // types of parts that it takes as they are; nil is all
	SeparateMedia bool                       // a delivery carries either text or one medium
	Links         bool                       // it takes media that have a web address as they are
}

func (t *Target) takes(p envelope.PartType) bool { return t.Parts == nil || t.Parts[p] }

// Medium is one medium of an envelope, prepared for a target.
type Medium struct {
	Ready   bool   // it can be handed over in the form that the target takes
	Link    string // web address for the text that replaces it
	Problem string // why it is not ready
}
