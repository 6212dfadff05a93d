package cli

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/trail"
)

func newConversationClose(o *options) *cobra.Command {
	return o.conversationCommand(&cobra.Command{
		Use: "close ID", Short: "End a conversation", Args: arguments("ID"),
		Long: `End a conversation, as a rule with 'close: true' does. Queued messages still go
out, and the channels get their closing events. The customer's next message
opens another conversation.`,
	}, func(args []string) admin.CommandRequest { return admin.CommandRequest{} })
}

func newConversationPass(o *options) *cobra.Command {
	return o.conversationCommand(&cobra.Command{
		Use: "pass ID CHANNEL", Short: "Pass a conversation to another owner", Args: arguments("ID", "CHANNEL"),
		Long: `Pass control of a conversation to a bot or agent channel immediately, or to its
home channel with the word home. The customer's undelivered messages follow.
The bounce limit does not apply.`,
	}, func(args []string) admin.CommandRequest { return admin.CommandRequest{Channel: args[1]} })
}

func newConversationHome(o *options) *cobra.Command {
	return o.conversationCommand(&cobra.Command{
		Use: "home ID CHANNEL", Short: "Change the home channel of a conversation", Args: arguments("ID", "CHANNEL"),
		Long: `Change the channel to which control of a conversation returns. If control is at
the old home, it moves along.`,
	}, func(args []string) admin.CommandRequest { return admin.CommandRequest{Channel: args[1]} })
}

func newConversationNote(o *options) *cobra.Command {
	return o.conversationCommand(&cobra.Command{
		Use: "note ID TEXT...", Short: "Add a note to the trail of a conversation", Args: arguments("ID", "TEXT..."),
		Long: `Add a note to the trail of a conversation, for other operators. No customer, bot
or agent gets it.`,
	}, func(args []string) admin.CommandRequest {
		return admin.CommandRequest{Reason: strings.Join(args[1:], " ")}
	})
}

// conversationCommand completes a command on the conversation in its first argument. Request returns the command's
// parameters.
func (o *options) conversationCommand(
	cmd *cobra.Command, request func(args []string) admin.CommandRequest,
) *cobra.Command {
	var reason string
	name, _, _ := strings.Cut(cmd.Use, " ")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := o.wantsJSON()
		if err != nil {
			return err
		}
		req := request(args)
		if req.Reason == "" {
			req.Reason = reason
		}
		var c trail.Conversation
		path := "/api/conversations/" + url.PathEscape(args[0]) + "/" + name
		if err := o.command(cmd.Context(), http.MethodPost, path, &req, &c); err != nil {
			return err
		}
		if asJSON {
			return o.print(c)
		}
		fmt.Fprintln(o.process.Stdout, conversationLine(&c))
		return nil
	}
	if name != "note" {
		cmd.Flags().StringVar(&reason, "reason", "", "`text` for the trail: why you give this command")
	}
	return o.withOutput(cmd)
}

// conversationLine describes a conversation after a command.
func conversationLine(c *trail.Conversation) string {
	switch {
	case c.State == nil:
		return c.ID + " has ended"
	case c.State.ClosedBy != "":
		return fmt.Sprintf("%s is closed, %d pending", c.ID, len(c.Pending))
	}
	return fmt.Sprintf("%s owner %s, home %s, %d pending", c.ID, c.State.Owner, c.State.Home, len(c.Pending))
}
