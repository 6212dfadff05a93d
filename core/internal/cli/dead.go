package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/trail"
)

func newDead(o *options) *cobra.Command {
	cmd := group("dead", "Inspect, replay and drop dead letters",
		newDeadList(o), newDeadShow(o), newDeadReplay(o), newDeadDrop(o))
	cmd.PersistentFlags().StringVarP(&o.output, "output", "o", "table", "`format`: table or json")
	return cmd
}

func newDeadList(o *options) *cobra.Command {
	var channel string
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters, oldest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			var response struct {
				DeadLetters []trail.DeadLetter `json:"dead_letters"`
			}
			path := "/api/dead-letters?" + url.Values{"channel": {channel}}.Encode()
			if err := o.call(cmd.Context(), http.MethodGet, path, &response); err != nil {
				return err
			}
			if asJSON {
				return o.print(response.DeadLetters)
			}
			if len(response.DeadLetters) == 0 {
				fmt.Fprintln(o.process.Stdout, "no dead letters")
				return nil
			}
			writeDeadLetters(o.process.Stdout, response.DeadLetters)
			return nil
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "only dead letters of this `channel`")
	return cmd
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
	return &cobra.Command{
		Use: "show ID", Short: "Show a dead letter and its conversation", Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			var response struct {
				DeadLetter    trail.DeadLetter      `json:"dead_letter"`
				Conversations []*trail.Conversation `json:"conversations"`
			}
			path := "/api/dead-letters/" + url.PathEscape(args[0])
			if err := o.call(cmd.Context(), http.MethodGet, path, &response); err != nil {
				return err
			}
			if asJSON {
				return o.print(response)
			}
			d := response.DeadLetter
			fmt.Fprintf(o.process.Stdout, "dead letter %s\n  %s to %s with %s, given up %s after %s\n",
				d.ID, d.Kind, d.Channel, count(d.Messages, "message"), d.DeadAt.Format(time.RFC3339),
				count(d.Attempts, "attempt"))
			wrap(o.process.Stdout, "  ", "      ", deadReason(&d))
			for _, c := range response.Conversations {
				writeTrail(o.process.Stdout, c)
			}
			return nil
		},
	}
}

func newDeadReplay(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "replay ID...", Short: "Deliver dead letters again",
		Long: `Queue dead letters again, each with all of its messages, in order. A customer's
message goes to the current owner. A message of a former owner is fenced: it is
not delivered.`,
		Args: arguments("ID..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.eachDeadLetter(cmd.Context(), args, http.MethodPost, "/replay")
		},
	}
}

func newDeadDrop(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "drop ID...", Short: "Delete dead letters",
		Args: arguments("ID..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.eachDeadLetter(cmd.Context(), args, http.MethodDelete, "")
		},
	}
}

// eachDeadLetter makes one call per dead letter and prints each result. It stops early only if calls to the gateway are
// not possible.
func (o *options) eachDeadLetter(ctx context.Context, ids []string, method, action string) error {
	var failed []error
	for _, id := range ids {
		var response struct{ Status, Delivery string }
		err := o.call(ctx, method, "/api/dead-letters/"+url.PathEscape(id)+action, &response)
		var c *coded
		if errors.As(err, &c) && c.code != exitFailure { // calls to the gateway are not possible
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
