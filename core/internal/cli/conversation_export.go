package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/app"
	"patchbay/core/internal/recorded"
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

The command runs the exported test with the rules of the configuration file. If
the test fails, or if something has happened that a test cannot repeat, comments
at the beginning of the test and warnings say so.`,
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
	failures, trial := o.tryExport(ctx, data)
	if _, err := o.process.Stdout.Write(o.explainExport(data, failures)); err != nil {
		return failure(fmt.Errorf("write the test: %w", err))
	}
	return trial
}

// tryExport runs an exported test.
func (o *options) tryExport(ctx context.Context, data []byte) ([]conversationtest.Failure, error) {
	file, problems := conversationtest.Parse("export", data)
	if len(problems) > 0 { // not possible: the gateway has written it
		return nil, o.refuse(problems)
	}
	cfg, err := o.loadRules(o.config)
	if err != nil {
		return nil, err
	}
	policy, giveUp := app.AssumedPolicy(cfg)
	var failures []conversationtest.Failure
	for i := range file.Tests {
		t := &file.Tests[i]
		r := conversationtest.Run(ctx, t, scenario.New(scenario.Options{Policy: policy, GiveUp: giveUp}, t.Start))
		failures = append(failures, r.Failures...)
	}
	return failures, nil
}

// explainExport returns an exported test with its failures in the comments at its beginning. It warns of these
// failures, and of the causes that the test does not repeat.
func (o *options) explainExport(data []byte, failures []conversationtest.Failure) []byte {
	var head bytes.Buffer
	for rest := data; bytes.HasPrefix(rest, []byte("#")); {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		fmt.Fprintf(&head, "%s\n", line)
		if cause, ok := bytes.CutPrefix(line, []byte(recorded.OmittedPrefix)); ok {
			fmt.Fprintf(o.process.Stderr, "warning: the test is not exact, it does not repeat %s\n", cause)
		}
	}
	test := data[head.Len():]
	if len(failures) > 0 {
		head.WriteString("# The test is not exact. It fails, because of a cause that it does not repeat, because a\n" +
			"# placeholder does not match a condition, or because the rules have changed:\n")
	}
	for _, f := range failures {
		message := fmt.Sprintf("line %d: %s", f.Line+2+len(failures), strings.ReplaceAll(f.Message, "\n", " "))
		fmt.Fprintf(&head, "%s%s\n", recorded.OmittedPrefix, message)
		fmt.Fprintf(o.process.Stderr, "warning: the test is not exact, %s\n", message)
	}
	return append(head.Bytes(), test...)
}
