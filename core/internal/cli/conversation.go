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
	return group("conversation", "Look at live conversations: what waits, and where one stands", newConversationList(o), newConversationShow(o))
}

func newConversationList(o *options) *cobra.Command {
	var channel string
	cmd := &cobra.Command{
		Use: "list", Short: "List the live conversations in which something waits", Args: cobra.NoArgs,
		Long: `List the live conversations in which something waits, a delivery or the customer for an answer: those that have waited
longest first, 50 at most. What was said before in one of them tells 'patchbay trace ID'.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			var answer struct {
				Conversations []admin.WaitingConversation `json:"conversations"`
			}
			if err := o.ask(cmd.Context(), http.MethodGet, "/api/conversations?"+url.Values{"channel": {channel}}.Encode(), &answer); err != nil {
				return err
			}
			if asJSON {
				return o.print(answer.Conversations)
			}
			if len(answer.Conversations) == 0 {
				fmt.Fprintln(o.process.Stdout, "nothing waits")
				return nil
			}
			tw := tabwriter.NewWriter(o.process.Stdout, 2, 8, 2, ' ', 0)
			fmt.Fprintln(tw, "CONVERSATION\tSINCE\tOWNER\tWAITS FOR\tWAITING\tWHY")
			for _, w := range answer.Conversations {
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%s\n", w.Conversation, w.Since.Format(time.RFC3339), w.Owner, w.Channel, w.Pending, w.Reason)
			}
			return tw.Flush()
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "only what waits for this `channel`")
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "table or json")
	return cmd
}

func newConversationShow(o *options) *cobra.Command {
	show := &cobra.Command{
		Use: "show ID", Short: "Show where a live conversation stands, and what waits", Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			var c trail.Conversation
			if err := o.ask(cmd.Context(), http.MethodGet, "/api/conversations/"+url.PathEscape(args[0]), &c); err != nil {
				return err
			}
			if asJSON {
				return o.print(c)
			}
			writeTrail(o.process.Stdout, &c)
			return nil
		},
	}
	show.Flags().StringVarP(&o.output, "output", "o", "table", "table or json")
	return show
}
