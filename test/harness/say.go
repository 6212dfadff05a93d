package harness

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"patchbay/sandbox/native"
)

// Say sends a customer's message. It repeats the message while the gateway accepts no input for a moment (status 503),
// for example because the disk is slow. All other results except status 200 with an empty object are errors.
func Say(ctx context.Context, chat *native.Simulator, user, text string, opts ...native.Option) error {
	status, body, err := chat.Say(ctx, user, text, opts...)
	for err == nil && status == http.StatusServiceUnavailable {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s says %.80q: %w, last status %d: %s", user, text, ctx.Err(), status, body)
		case <-time.After(50 * time.Millisecond):
			status, body, err = chat.Say(ctx, user, text, opts...)
		}
	}
	if err != nil || status != http.StatusOK || strings.TrimSpace(string(body)) != "{}" {
		return fmt.Errorf("%s says %.80q: status %d, body %q, error %v; want 200 {}", user, text, status, body, err)
	}
	return nil
}
