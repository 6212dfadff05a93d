package trail

import (
	"bytes"
	"context"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/state"
)

// Export adds the records of the conversation x.Conversation to x. It reads the whole log.
func (t *Trail) Export(ctx context.Context, x *recorded.Export) error {
	x.Stored = func(p state.Position) *journal.StoredEnvelope { return t.storedEnvelope(ctx, p) }
	return t.scan(ctx, 0, 0, func(seq uint64, data []byte) error {
		if !bytes.Contains(data, []byte(x.Conversation)) {
			return nil
		}
		r, err := decodeRecord(data)
		if err == nil {
			x.Record(seq, r)
		}
		return err
	})
}
