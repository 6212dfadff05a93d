package cli

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
)

func newConversation(o *options) *cobra.Command {
	return group("conversation", "Inspect, close and pass live conversations", newConversationList(o),
		newConversationShow(o), newConversationExport(o), newConversationClose(o), newConversationPass(o),
		newConversationHome(o), newConversationNote(o))
}

func newConversationList(o *options) *cobra.Command {
	var channel string
	cmd := &cobra.Command{
		Use: "list", Short: "List live conversations with pending work", Args: noArguments,
		Long: `List live conversations that have pending deliveries or an unanswered customer,
longest wait first, at most 50. 'patchbay trace ID' shows the steps of one.`,
	}
	cmd.Flags().StringVar(&channel, "channel", "", "only conversations that wait for this `channel`")
	return show(o, cmd, "", func([]string) string {
		return "/api/conversations?" + url.Values{"channel": {channel}}.Encode()
	}, writeWaiting)
}

func waitCount(n int) string {
	if n == 1 {
		return "1 waits"
	}
	return fmt.Sprintf("%d wait", n)
}

// writeWaiting prints the causes of all waits, and a line for each conversation with the reason below it.
func writeWaiting(w io.Writer, list *admin.WaitingList) {
	if list.Total == 0 {
		fmt.Fprintln(w, "nothing waits")
		return
	}
	var rows []row
	for _, c := range list.Conversations {
		rows = append(rows, row{below: []string{c.Reason}, cells: []string{
			c.Conversation, c.Since.Format(time.RFC3339), c.Owner, c.Channel, strconv.Itoa(c.Pending),
		}})
	}
	for _, c := range list.Causes {
		prefix := fmt.Sprintf("%s for %s since %s: ", waitCount(c.Conversations), c.Channel, c.Since.Format(time.RFC3339))
		wrap(w, prefix, "  ", c.Reason)
	}
	fmt.Fprintln(w)
	total := count(list.Total, "conversation") + " waiting"
	if len(rows) < list.Total {
		total += fmt.Sprintf(", the longest %d shown", len(rows))
	}
	writeList(w, []string{"CONVERSATION", "SINCE", "OWNER", "WAITS FOR", "PENDING"}, rows, total)
}

func newConversationShow(o *options) *cobra.Command {
	cmd := &cobra.Command{Use: "show ID", Short: "Show the state of a live conversation", Args: arguments("ID")}
	return show(o, cmd, "", func(args []string) string {
		return "/api/conversations/" + url.PathEscape(args[0])
	}, writeTrail)
}
