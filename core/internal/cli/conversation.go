package cli

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"patchbay/core/internal/trail"
)

func newConversation(o *options) *cobra.Command {
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
	return group("conversation", "Look at live conversations", show)
}
