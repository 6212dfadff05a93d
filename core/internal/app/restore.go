package app

import (
	"context"
	"io"
	"log/slog"

	"patchbay/core/internal/store/jetstream"
)

// Restore makes the folder of a store from a backup; see jetstream.Restore.
func Restore(ctx context.Context, dir string, backup io.ReaderAt, size int64, log *slog.Logger) error {
	return jetstream.Restore(ctx, jetstream.Options{Dir: dir, Logger: log}, backup, size)
}
