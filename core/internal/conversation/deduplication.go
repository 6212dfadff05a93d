package conversation

import (
	"crypto/sha256"

	"patchbay/core/internal/inbound"
	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
)

// IsDuplicate reports whether an envelope with the same channel, thread and vendor id was accepted recently; see
// state.IDRetention. It returns false if the vendor gave no id.
func (tx *Transaction) IsDuplicate(in *inbound.Envelope) bool {
	digest := digestOf(in)
	return digest != nil && tx.layer.HasID(state.ID(digest))
}

// digestOf returns a digest of the channel, the thread and the vendor id, or nil if the vendor gave no id.
func digestOf(in *inbound.Envelope) []byte {
	if in.Envelope.VendorID == "" {
		return nil
	}
	h := sha256.Sum256([]byte(in.Channel + "\x00" + in.Envelope.Thread + "\x00" + in.Envelope.VendorID))
	return h[:16]
}

// recordDuplicate records a duplicate. If its conversation has ended, conv is "".
func (tx *Transaction) recordDuplicate(conv string, in *inbound.Envelope) Verdict {
	tx.add(conv, &journal.Change_Duplicate{Duplicate: &journal.Duplicate{
		Channel: in.Channel, VendorId: in.Envelope.VendorID,
	}})
	return VerdictDuplicate
}
