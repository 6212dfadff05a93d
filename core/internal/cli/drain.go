package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
)

func newDrain(o *options) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "drain", Short: "Refuse new messages and end when all are delivered", Args: noArguments,
		Long: `Let the running gateway refuse new messages, deliver the ones that it has, and
end. Webhooks get 503, so that their vendors repeat them later. Pending offers
continue after the next start. The command prints how many deliveries are left
until the gateway has ended. If you stop the command, the gateway goes on
draining.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var status admin.DrainStatus
			req := &admin.CommandRequest{Reason: reason}
			if err := o.command(cmd.Context(), http.MethodPost, "/api/drain", req, &status); err != nil {
				return err
			}
			return o.followDrain(cmd.Context(), &status)
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`text` for the log output: why you give this command")
	return cmd
}

// followDrain prints the progress of a drain, when it changes, until the gateway cannot be called any more.
func (o *options) followDrain(ctx context.Context, status *admin.DrainStatus) error {
	printed := ""
	for {
		if line := drainLine(status); line != printed {
			fmt.Fprintln(o.process.Stdout, line)
			printed = line
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
		*status = admin.DrainStatus{}
		err := o.call(ctx, "/api/drain", status)
		if ctx.Err() != nil {
			return failure(errors.New("stopped; the gateway goes on draining"))
		}
		if c := (*exitError)(nil); errors.As(err, &c) && c.code == exitService {
			fmt.Fprintln(o.process.Stdout, "drained; the gateway has ended")
			return nil
		}
		if err != nil {
			return err
		}
		if !status.Draining {
			return failure(errors.New("the gateway has ended and was started again: it accepts messages; stop the " +
				"supervisor that starts it, then drain again"))
		}
	}
}

func drainLine(s *admin.DrainStatus) string {
	total := 0
	var channels []string
	for _, name := range slices.Sorted(maps.Keys(s.Deliveries)) {
		total += s.Deliveries[name]
		text := fmt.Sprintf("%s %d", name, s.Deliveries[name])
		if reason := s.HeldUp[name]; reason != "" {
			text += " (" + reason + ")"
		}
		channels = append(channels, text)
	}
	line := fmt.Sprintf("deliveries left: %d", total)
	if len(channels) > 0 {
		line += ": " + strings.Join(channels, ", ")
	}
	if s.Waiting > 0 {
		line += fmt.Sprintf("; %d departures and pending envelopes wait", s.Waiting)
	}
	if s.Offers > 0 {
		line += fmt.Sprintf("; offers that continue after the next start: %d", s.Offers)
	}
	return line
}
