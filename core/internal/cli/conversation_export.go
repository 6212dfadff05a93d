package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/app"
	"patchbay/core/internal/scenario"
)

func newConversationExport(o *options) *cobra.Command {
	var texts bool
	cmd := &cobra.Command{
		Use: "export ID", Short: "Print a conversation as a conversation test",
		Long: `Print a conversation of the running gateway as a test for 'patchbay test'. The
test expects the original's rules, owners, offers and dead letters.

Placeholders replace the texts, names and vendor attributes. They contain the
words of the rules' conditions that occurred in the original. With --texts, the
originals are kept; they are personal data.

The command runs the exported test with the rules of the configuration file, and
warns if the test fails: a placeholder may not match a condition, or the rules
have changed.`,
		Args: arguments("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.exportConversation(cmd.Context(), args[0], texts)
		},
	}
	cmd.Flags().BoolVar(&texts, "texts", false, "keep the texts, which are personal data")
	return cmd
}

func (o *options) exportConversation(ctx context.Context, id string, texts bool) error {
	q := url.Values{"config": {o.config}}
	if texts {
		q.Set("texts", "1")
	}
	body, err := o.open(ctx, http.MethodGet, "/api/conversations/"+url.PathEscape(id)+"/export?"+q.Encode())
	if err != nil {
		return err
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxResponse))
	if err != nil {
		return failure(fmt.Errorf("read the gateway's response: %w", err))
	}
	if _, err := o.process.Stdout.Write(data); err != nil {
		return failure(fmt.Errorf("write the test: %w", err))
	}
	return o.tryExport(ctx, data)
}

// tryExport runs an exported test and warns if it fails.
func (o *options) tryExport(ctx context.Context, data []byte) error {
	file, problems := conversationtest.Parse("export", data)
	if len(problems) > 0 { // not possible: the gateway has written it
		return o.refuse(problems)
	}
	cfg, err := o.loadRules(o.config)
	if err != nil {
		return err
	}
	policy, giveUp := app.AssumedPolicy(cfg)
	for i := range file.Tests {
		t := &file.Tests[i]
		r := conversationtest.Run(ctx, t, scenario.New(scenario.Options{Policy: policy, GiveUp: giveUp}, t.Start))
		for _, f := range r.Failures {
			fmt.Fprintf(o.process.Stderr, "warning: line %d: %s\n", f.Line, f.Message)
		}
	}
	return nil
}
