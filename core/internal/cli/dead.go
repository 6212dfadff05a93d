package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/trail"
)

func newDead(o *options) *cobra.Command {
	return group("dead", "Inspect, replay and drop dead letters",
		newDeadList(o), newDeadShow(o), newDeadReplay(o), newDeadDrop(o))
}

func newDeadList(o *options) *cobra.Command {
	var f deadFilter
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters, oldest first", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			list, err := o.deadLetters(cmd.Context(), &f)
			if err != nil {
				return err
			}
			if asJSON {
				return o.print(list)
			}
			if len(list) == 0 {
				fmt.Fprintln(o.process.Stdout, "no dead letters")
				return nil
			}
			writeDeadLetters(o.process.Stdout, list)
			return nil
		},
	}
	f.flags(cmd)
	return o.withOutput(cmd)
}

// writeDeadLetters prints a line for each dead letter, with its conversation and its error below it.
func writeDeadLetters(w io.Writer, list []trail.DeadLetter) {
	var rows []row
	for i := range list {
		d := &list[i]
		about := count(d.Messages, "message") + ", " + count(d.Attempts, "attempt")
		if d.Conversation != "" {
			about += ", conversation " + d.Conversation
		}
		if d.Blocks {
			about += ", its lane waits"
		}
		rows = append(rows, row{
			cells: []string{d.ID, d.DeadAt.Format(time.RFC3339), d.Channel, d.Kind},
			below: []string{about, deadReason(d)},
		})
	}
	writeList(w, []string{"ID", "GIVEN UP", "CHANNEL", "KIND"}, rows, count(len(list), "dead letter"))
}

func deadReason(d *trail.DeadLetter) string {
	if d.Detail == "" {
		return d.Error
	}
	return d.Error + ": " + d.Detail
}

func newDeadShow(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show a dead letter and its conversation", Args: arguments("ID")}
	return show(o, cmd, "", func(args []string) string {
		return "/api/dead-letters/" + url.PathEscape(args[0])
	}, writeDeadLetter)
}

// deadLetter is the response of /api/dead-letters/{id}.
type deadLetter struct {
	DeadLetter    trail.DeadLetter      `json:"dead_letter"`
	Conversations []*trail.Conversation `json:"conversations"`
}

func writeDeadLetter(w io.Writer, found *deadLetter) {
	d := &found.DeadLetter
	fmt.Fprintf(w, "dead letter %s\n  %s to %s with %s, given up %s after %s\n", d.ID, d.Kind, d.Channel,
		count(d.Messages, "message"), d.DeadAt.Format(time.RFC3339), count(d.Attempts, "attempt"))
	wrap(w, "  ", "      ", deadReason(d))
	for _, c := range found.Conversations {
		writeTrail(w, c)
	}
}

func newDeadReplay(o *options) *cobra.Command {
	var f deadFilter
	cmd := &cobra.Command{
		Use: "replay [ID...]", Short: "Deliver dead letters again",
		Long: `Queue dead letters again, each with all of its messages, in order. A customer's
message goes to the current owner. A message of a former owner is fenced: it is
not delivered.

Name the dead letters, or choose them with --channel, --reason and --since;
'patchbay dead list' with the same flags shows them. They are replayed in the
order in which they were given up, at most --rate in a second.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) > 0) == f.isSet() {
				return &exitError{code: exitUsage, err: fmt.Errorf("%s: give either IDs, or at least one of --channel, "+
					"--reason and --since", commandName(cmd))}
			}
			if f.rate <= 0 {
				return &exitError{code: exitUsage, err: fmt.Errorf("--rate %g: must be more than 0", f.rate)}
			}
			if f.isSet() {
				list, err := o.deadLetters(cmd.Context(), &f)
				if err != nil {
					return err
				}
				for i := range list {
					args = append(args, list[i].ID)
				}
				if len(args) == 0 {
					fmt.Fprintln(o.process.Stdout, "no dead letters")
				}
			}
			return o.eachDeadLetter(cmd.Context(), args, http.MethodPost, "/replay", f.rate)
		},
	}
	f.flags(cmd)
	cmd.Flags().Float64Var(&f.rate, "rate", 20, "`number` of dead letters in a second")
	return cmd
}

func newDeadDrop(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "drop ID...", Short: "Delete dead letters",
		Args: arguments("ID..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.eachDeadLetter(cmd.Context(), args, http.MethodDelete, "", math.MaxInt32)
		},
	}
}

// eachDeadLetter makes one call per dead letter, at most the given number in a second, and prints each result. It
// continues after a call that fails, unless the gateway cannot be called or ctx has ended.
func (o *options) eachDeadLetter(ctx context.Context, ids []string, method, action string, perSecond float64) error {
	var failed []error
	limiter := rate.NewLimiter(rate.Limit(perSecond), 1)
	for _, id := range ids {
		if err := limiter.Wait(ctx); err != nil {
			return failure(fmt.Errorf("stopped before %s: %w", id, err))
		}
		var response struct{ Status, Delivery string }
		err := o.command(ctx, method, "/api/dead-letters/"+url.PathEscape(id)+action, &admin.CommandRequest{}, &response)
		var c *exitError
		if errors.As(err, &c) && (c.code != exitFailure || ctx.Err() != nil) { // further calls are not possible
			return err
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		fmt.Fprintln(o.process.Stdout, strings.TrimSpace(id+" "+response.Status+" "+response.Delivery))
	}
	if len(failed) > 0 {
		return failure(errors.Join(failed...))
	}
	return nil
}
