package conversation

import (
	"crypto/sha256"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// isDuplicate reports whether the conversation has accepted an envelope with the same vendor id recently.
func isDuplicate(c *state.Conversation, in *inbound.Envelope) bool { return c.HasDigest(digestOf(in)) }

// digestOf returns a digest of the channel, the thread and the vendor id, or nil if the vendor gave no id.
func digestOf(in *inbound.Envelope) []byte {
	if in.Envelope.VendorID == "" {
		return nil
	}
	h := sha256.Sum256([]byte(in.Channel + "\x00" + in.Envelope.Thread + "\x00" + in.Envelope.VendorID))
	return h[:16]
}

func (tx *Transaction) recordDuplicate(c *state.Conversation, in *inbound.Envelope) Verdict {
	tx.add(c.ID, &journal.Change_Duplicate{Duplicate: &journal.Duplicate{
		Channel: in.Channel, VendorId: in.Envelope.VendorID,
	}})
	return VerdictDuplicate
}
