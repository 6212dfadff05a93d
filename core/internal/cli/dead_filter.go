package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/route"
	"patchbay/core/internal/trail"
)

// deadFilter selects dead letters.
type deadFilter struct {
	channel, reason, since string
	rate                   float64 // maximum number of replays in a second
}

func (f *deadFilter) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.channel, "channel", "", "only dead letters of this `channel`")
	cmd.Flags().StringVar(&f.reason, "reason", "", "only dead letters with this `kind` of error")
	cmd.Flags().StringVar(&f.since, "since", "", "only dead letters given up since this `time` or age")
}

// isSet reports whether a flag selects dead letters.
func (f *deadFilter) isSet() bool { return f.channel != "" || f.reason != "" || f.since != "" }

// checkReason returns an error if no dead letter can have the kind of error. Copies also have the kind overflow, which
// rules do not see.
func (f *deadFilter) checkReason() error {
	kinds := slices.Sorted(slices.Values(append([]string{"overflow"}, route.DeliveryReasons...)))
	if f.reason == "" || slices.Contains(kinds, f.reason) {
		return nil
	}
	return &exitError{code: exitUsage, err: fmt.Errorf("--reason %q: no kind of error has this name; the kinds are %s",
		f.reason, strings.Join(kinds, ", "))}
}

// start returns the time from which dead letters are selected.
func (f *deadFilter) start(now time.Time) (time.Time, error) {
	if f.since == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(f.since); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	at, err := time.Parse(time.RFC3339, f.since)
	if err != nil {
		return time.Time{}, &exitError{code: exitUsage, err: fmt.Errorf("--since %q: want an age such as 90m or 24h, or a "+
			"time such as 2026-11-22T07:06:30Z", f.since)}
	}
	return at, nil
}

// deadLetters returns the selected dead letters, oldest first.
func (o *options) deadLetters(ctx context.Context, f *deadFilter) ([]trail.DeadLetter, error) {
	if err := f.checkReason(); err != nil {
		return nil, err
	}
	start, err := f.start(time.Now())
	if err != nil {
		return nil, err
	}
	var response struct {
		DeadLetters []trail.DeadLetter `json:"dead_letters"`
	}
	path := "/api/dead-letters?" + url.Values{"channel": {f.channel}}.Encode()
	if err := o.call(ctx, path, &response); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(response.DeadLetters, func(d trail.DeadLetter) bool {
		return f.reason != "" && d.Error != f.reason || d.DeadAt.Before(start)
	}), nil
}
