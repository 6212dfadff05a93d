package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
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
			var list admin.WaitingList
			path := "/api/conversations?" + url.Values{"channel": {channel}}.Encode()
			if err := o.call(cmd.Context(), http.MethodGet, path, &list); err != nil {
				return err
			}
			if asJSON {
				return o.print(list)
			}
			writeWaiting(o.process.Stdout, &list)
			return nil
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "only conversations that wait for this `channel`")
	cmd.Flags().StringVarP(&o.output, "output", "o", "table", "`format`: table or json")
	return cmd
}

// writeWaiting prints a line for each conversation, with the reason below it.
func writeWaiting(w io.Writer, list *admin.WaitingList) {
	if list.Total == 0 {
		fmt.Fprintln(w, "nothing waits")
		return
	}
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 2, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "CONVERSATION\tSINCE\tOWNER\tWAITS FOR\tPENDING")
	for _, c := range list.Conversations {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\n", c.Conversation, c.Since.Format(time.RFC3339), c.Owner, c.Channel, c.Pending)
	}
	_ = tw.Flush() // a strings.Builder has no errors
	lines := strings.Split(table.String(), "\n")
	fmt.Fprintln(w, lines[0])
	for i, c := range list.Conversations {
		fmt.Fprintln(w, lines[i+1])
		wrap(w, "  ", "  ", c.Reason)
	}
	fmt.Fprintf(w, "%s waiting", count(list.Total, "conversation"))
	if shown := len(list.Conversations); shown < list.Total {
		fmt.Fprintf(w, ", the longest %d shown", shown)
	}
	fmt.Fprintln(w)
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
