package cli

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
)

func newChannel(o *options) *cobra.Command {
	return group("channel", "List, pause and resume channels", newChannelList(o),
		newChannelPause(o, "pause", "Pause a channel", `
Start no more calls to a channel until 'patchbay channel resume'. Calls in
flight end. Webhooks are still accepted, messages wait, and none is given up.
Offers to the channel fail with the reason 'paused'. The pause survives a
restart of the gateway.`),
		newChannelPause(o, "resume", "End the pause of a channel", `
End the pause of a channel. The waiting deliveries go out. Each of them has its
whole 'delivery.give_up' again.`))
}

func newChannelList(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "list", Short: "List the channels with their state and queues", Args: noArguments,
		Long: `List the channels of the configuration with their state and queues, and removed
channels that still have deliveries or dead letters. Below a channel is why its
calls wait. For a pause, this is the operator, the time and the reason.`,
	}
	return show(o, cmd, "channels", func([]string) string { return "/api/channels" }, writeChannels)
}

// writeChannels prints a line for each channel, with the reason why its calls wait below it.
func writeChannels(w io.Writer, list []admin.Channel) {
	var rows []row
	for _, c := range list {
		oldest := "-"
		if c.Oldest != nil {
			oldest = c.Oldest.Format(time.RFC3339)
		}
		r := row{cells: []string{
			c.Name, cmp.Or(c.Role, "-"), cmp.Or(c.Adapter, "-"), cmp.Or(c.Breaker, "-"),
			strconv.Itoa(c.Queued), oldest, strconv.Itoa(c.InFlight),
			strconv.Itoa(c.DeadLetters),
		}}
		if c.Paused != nil {
			text := "paused by " + c.Paused.User + " at " + c.Paused.Since.Format(time.RFC3339)
			if c.Paused.Reason != "" {
				text += ": " + c.Paused.Reason
			}
			r.below = []string{text}
		} else if c.State != "ready" {
			r.below = []string{c.State}
		}
		if c.Opens != nil {
			r.below = append(r.below, "outside its hours, which begin at "+c.Opens.Format(time.RFC3339))
		}
		if c.ReturnUntil != nil {
			r.below = append(r.below, "its deliveries wait for its return until "+c.ReturnUntil.Format(time.RFC3339))
		}
		rows = append(rows, r)
	}
	header := []string{"NAME", "ROLE", "ADAPTER", "BREAKER", "QUEUED", "OLDEST", "IN FLIGHT", "DEAD"}
	writeList(w, header, rows, count(len(list), "channel"))
}

func newChannelPause(o *options, name, short, long string) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: name + " NAME", Short: short, Long: strings.TrimPrefix(long, "\n"), Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var response struct {
				Status  string
				Changed bool
			}
			path := "/api/channels/" + url.PathEscape(args[0]) + "/" + name
			req := &admin.CommandRequest{Reason: reason}
			if err := o.command(cmd.Context(), http.MethodPost, path, req, &response); err != nil {
				return err
			}
			text := args[0] + " " + response.Status
			if !response.Changed {
				text += " already"
			}
			fmt.Fprintln(o.process.Stdout, text)
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`text` for other operators: why you give this command")
	return cmd
}
