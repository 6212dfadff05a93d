package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/trail"
)

func newConversation(o *options) *cobra.Command {
	return group("conversation", "Inspect live conversations", newConversationList(o), newConversationShow(o))
}

func newConversationList(o *options) *cobra.Command {
	var channel string
	cmd := &cobra.Command{
		Use: "list", Short: "List live conversations with pending work", Args: cobra.NoArgs,
		Long: `List live conversations that have pending deliveries or an unanswered customer,
longest wait first, at most 50. 'patchbay trace ID' shows the steps of one.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			var response struct {
				Conversations []admin.WaitingConversation `json:"conversations"`
			}
			path := "/api/conversations?" + url.Values{"channel": {channel}}.Encode()
			if err := o.call(cmd.Context(), http.MethodGet, path, &response); err != nil {
				return err
			}
			if asJSON {
				return o.print(response.Conversations)
			}
			if len(response.Conversations) == 0 {
				fmt.Fprintln(o.process.Stdout, "no pending work")
				return nil
			}
			tw := tabwriter.NewWriter(o.process.Stdout, 2, 8, 2, ' ', 0)
			fmt.Fprintln(tw, "CONVERSATION\tSINCE\tOWNER\tCHANNEL\tPENDING\tREASON")
			for _, w := range response.Conversations {
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\n",
					w.Conversation, w.Since.Format(time.RFC3339), w.Owner, w.Channel, w.Pending, w.Reason)
			}
			return tw.Flush()
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "only conversations that wait for this `channel`")
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "`format`: table or json")
	return cmd
}

func newConversationShow(o *options) *cobra.Command {
	show := &cobra.Command{
		Use: "show ID", Short: "Show the state of a live conversation", Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			var c trail.Conversation
			path := "/api/conversations/" + url.PathEscape(args[0])
			if err := o.call(cmd.Context(), http.MethodGet, path, &c); err != nil {
				return err
			}
			if asJSON {
				return o.print(c)
			}
			writeTrail(o.process.Stdout, &c)
			return nil
		},
	}
	show.Flags().StringVarP(&o.output, "output", "o", "table", "`format`: table or json")
	return show
}
