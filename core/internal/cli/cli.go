// Package cli is the command line: one file a command. Commands that look at a running gateway go through its
// admin listener, never to its store.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
)

// Exit codes. They are documented in --help and do not change.
const (
	exitOK      = 0
	exitFailure = 1  // failed while running
	exitUsage   = 2  // wrong use of the command line
	exitFound   = 3  // a check found problems
	exitService = 69 // the gateway is not reachable
	exitConfig  = 78 // the configuration is invalid, at start
)

// Process is what a command may touch of its process.
type Process struct {
	Args    []string
	Stdout  io.Writer
	Stderr  *os.File
	Version string
	Unhook  func() // gives signals back to the system
}

// coded is an error with an exit code of its own. Said means that the user has been told.
type coded struct {
	code int
	said bool
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// Main runs one command and returns the process's exit code.
func Main(ctx context.Context, p Process) int {
	root := newRoot(&p)
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	c, ok := errors.AsType[*coded](err)
	if !ok { // cobra's own: unknown command or flag, wrong arguments
		c = &coded{code: exitUsage, err: fmt.Errorf("%w\nRun 'patchbay --help' for usage", err)}
	}
	if !c.said {
		fmt.Fprintf(p.Stderr, "patchbay: %v\n", c.err)
	}
	return c.code
}

func failure(err error) error { return &coded{code: exitFailure, err: err} }

// options are the flags that every command has.
type options struct {
	process *Process
	config  string
	admin   string
	output  string
}

func newRoot(p *Process) *cobra.Command {
	o := &options{process: p}
	root := &cobra.Command{
		Use:   "patchbay",
		Short: "A message gateway between live chats, bots and human agents",
		Long: `Patchbay takes a message in from any channel, decides by the routes in a YAML file who gets it, and hands it
over in that vendor's dialect: in order, with nothing lost, and with one owner of each conversation.

Exit codes: 0 success, 1 failure while running, 2 wrong usage, 3 a check found problems, 69 the gateway is not
reachable, 78 the configuration is invalid at start.`,
		Example: `  patchbay check                      look at config.yaml and everything it names
  patchbay run                        start the gateway
  patchbay trace 0190d1c2-...         what happened to a message, and what it waits for
  patchbay dead list                  what was given up`,
		SilenceErrors: true, SilenceUsage: true, Version: p.Version,
	}
	root.SetVersionTemplate("patchbay {{.Version}}\n")
	config := os.Getenv("PATCHBAY_CONFIG")
	if config == "" {
		config = "config.yaml"
	}
	root.PersistentFlags().StringVarP(&o.config, "config", "c", config, "configuration `file` (PATCHBAY_CONFIG)")
	root.PersistentFlags().StringVar(&o.admin, "admin", "", "`address` of a running gateway's admin listener; default: as configured")
	root.AddCommand(newRun(o), newCheck(o), newTrace(o), newDead(o), newConversation(o), newAdapter(o), newVersion(o))
	return root
}

// group makes a command that only has others below it. Alone it helps; a command that it does not have is wrong usage,
// which cobra would take for a call for help.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

// load reads the configuration. Of one that has problems it asks the adapters what else is wrong, and shows all at once;
// the error ends the command with the given code.
func (o *options) load(ctx context.Context, code int) (*config.Config, error) {
	cfg, err := config.Load(config.Options{Path: o.config})
	if err != nil {
		return nil, o.invalid(code, err, o.introduce(ctx, cfg))
	}
	o.warn(cfg.Warnings)
	return cfg, nil
}

// introduce has the adapters check what can be used of a configuration, which can be nil. What they log is not shown: their last
// words are in the problems.
func (o *options) introduce(ctx context.Context, cfg *config.Config) app.Findings {
	if cfg == nil {
		return app.Findings{}
	}
	found := app.Check(ctx, cfg, app.Options{Version: o.process.Version, Logger: slog.New(slog.DiscardHandler)})
	found.Warnings = append(found.Warnings, cfg.Warnings...)
	config.SortProblems(found.Warnings)
	return found
}

// warn shows what works, but hardly as meant.
func (o *options) warn(warnings []config.Problem) {
	for _, w := range warnings {
		fmt.Fprintf(o.process.Stderr, "warning: %s\n", w)
	}
}

// invalid shows every problem, one a line, those of err and those that were found beside, and returns the error that ends
// the command.
func (o *options) invalid(code int, err error, found app.Findings) error {
	problems, ok := errors.AsType[*config.Problems](err)
	if !ok {
		return &coded{code: code, err: err}
	}
	o.warn(found.Warnings)
	problems = &config.Problems{List: append(slices.Clone(problems.List), found.Problems...)}
	config.SortProblems(problems.List)
	for _, p := range problems.List {
		fmt.Fprintln(o.process.Stderr, p)
	}
	noun := "problems"
	if len(problems.List) == 1 {
		noun = "problem"
	}
	fmt.Fprintf(o.process.Stderr, "patchbay: %d %s in %s\n", len(problems.List), noun, o.config)
	return &coded{code: code, said: true, err: err}
}
