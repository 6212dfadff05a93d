package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"patchbay/core/internal/config"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/store/jetstream"
	"patchbay/core/internal/trail"
)

// Decisions calls yield with recorded runs of the rules in a copy of a store, see trail.Trail.Decisions. The roles of
// the channels are those of cfg. Opening a store can repair it, so dir must be a copy. The store of a running gateway
// is refused.
func Decisions(
	ctx context.Context, dir string, cfg *config.Config, q trail.DecisionQuery, yield func(*recorded.Decision) error,
) (omitted int, err error) {
	if _, err := os.Stat(dir); err != nil { // Open would create it
		return 0, fmt.Errorf("read the copy of the store: %w", err)
	}
	log, err := jetstream.Open(ctx, jetstream.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, fmt.Errorf("read the copy of the store: %w", err)
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	policy, _ := AssumedPolicy(cfg)
	return trail.New(log, nil).Decisions(ctx, policy, q, yield)
}
