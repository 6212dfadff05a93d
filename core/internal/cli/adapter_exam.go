package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"patchbay/sdk/adaptertest"
)

// examFlags are what the exam is told on the command line.
type examFlags struct {
	options  adaptertest.Options
	json     bool
	markdown bool
	quiet    bool
}

func newAdapterTest(o *options) *cobra.Command {
	f := &examFlags{}
	cmd := &cobra.Command{
		Use: "test PROGRAM", Short: "Examine an adapter's program over the wire, and print a scorecard",
		Long: `Examine an adapter's program over the wire: the exam starts it as the gateway does, plays the vendor with a fault server
of its own, and prints a scorecard, the capabilities, and what is wrong with what to do about it. The language of the
program does not matter.

The exam data are a folder with an exam.yaml (role, settings, where credentials are or how calls are signed), in/*.http
(calls of the vendor) and out/*.http (deliveries with the requests and answers that they lead to), or a folder of such
folders, one for each role. Without --testdata it is plugins/NAME/testdata/exam or testdata/exam, whichever is there.
--update writes the golden files beside them. What exam.yaml names under sign.command is run.

Exit codes: 0 nothing failed, 3 something failed, 1 there was no exam.`,
		Example: `  patchbay adapter test bin/native
  patchbay adapter test bin/echo --testdata testdata/exam --only in,out --update
  patchbay adapter test bin/echo --config testdata/exam/customer/exam.yaml --json`,
		Args: arguments("PROGRAM"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.examine(cmd, f, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.options.Config, "config", "", "exam.yaml of one channel; default: those in --testdata")
	flags.StringVar(&f.options.Data, "testdata", "", "`folder` with the exam data")
	flags.StringSliceVar(&f.options.Only, "only", nil, "`sections` to run: "+strings.Join(adaptertest.Sections(), ", "))
	flags.StringSliceVar(&f.options.Env, "env", nil, "variables of the program, NAME=VALUE")
	flags.StringSliceVar(&f.options.Args, "arg", nil, "arguments of the program")
	flags.IntVar(&f.options.Messages, "messages", adaptertest.DefaultMessages,
		"how many messages the section memory sends")
	flags.BoolVar(&f.options.Update, "update", false, "write the golden files anew where they differ")
	flags.BoolVar(&f.json, "json", false, "print the scorecard as JSON")
	flags.BoolVar(&f.markdown, "markdown", false, "print the scorecard as Markdown")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "show no progress")
	return cmd
}

func (o *options) examine(cmd *cobra.Command, f *examFlags, program string) error {
	f.options.Command = program
	if f.options.Data == "" && f.options.Config == "" {
		f.options.Data = examData(program)
	}
	if !f.quiet {
		f.options.Progress = func(channel string, s adaptertest.Section) {
			fmt.Fprintf(o.process.Stderr, "%-10s %-12s %s\n", channel, s.Name, s.Status)
		}
	}
	card, err := adaptertest.Run(cmd.Context(), f.options)
	if errors.Is(err, adaptertest.ErrUnknownSection) {
		return &coded{code: exitUsage, err: err}
	}
	if err != nil {
		return failure(err)
	}
	if err := printExam(o.process.Stdout, card, f); err != nil {
		return failure(fmt.Errorf("print the scorecard: %w", err))
	}
	if card.Failed() {
		return &coded{code: exitFound, printed: true, err: errors.New("the adapter failed the exam")}
	}
	return nil
}

// examData is where the exam data of a program are if nobody says.
func examData(program string) string {
	place := filepath.Join("plugins", filepath.Base(program), "testdata", "exam")
	if found, err := filepath.Glob(place); err == nil && len(found) > 0 {
		return place
	}
	return filepath.Join("testdata", "exam")
}

func printExam(w io.Writer, card *adaptertest.Scorecard, f *examFlags) error {
	switch {
	case f.json:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(card)
	case f.markdown:
		return card.Markdown(w)
	}
	return card.Print(w)
}
