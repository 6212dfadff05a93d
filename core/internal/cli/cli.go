// Package cli is the command line, with one file per command. Commands that inspect a running gateway use its admin
// listener, never its store.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
)

// Exit codes. They are documented in --help and do not change.
const (
	exitOK      = 0
	exitFailure = 1  // failed while running
	exitUsage   = 2  // wrong usage of the command line
	exitFound   = 3  // a check found problems
	exitService = 69 // the gateway is not reachable
	exitConfig  = 78 // the configuration is invalid, at start
)

// Process is the part of the operating system's process that commands use.
type Process struct {
	Args    []string
	Stdout  io.Writer
	Stderr  *os.File
	Version string // set by the linker, or empty
	Unhook  func() // restores the default handling of signals; called when ctx ends, so that a second signal kills
}

// exitError is an error with an exit code. Main prints its message, except if printed is set.
type exitError struct {
	code    int
	printed bool
	err     error
}

func (c *exitError) Error() string { return c.err.Error() }
func (c *exitError) Unwrap() error { return c.err }

// Main runs one command and returns the process's exit code.
func Main(ctx context.Context, p Process) int {
	defer context.AfterFunc(ctx, p.Unhook)()
	info, _ := debug.ReadBuildInfo()
	p.Version = programVersion(p.Version, info)
	root := newRoot(&p)
	root.SetArgs(p.Args)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	c, ok := errors.AsType[*exitError](err)
	if !ok { // from cobra: an unknown command or flag, wrong arguments
		c = &exitError{code: exitUsage, err: fmt.Errorf("%w\nRun 'patchbay --help' for usage", err)}
	}
	if ctx.Err() != nil && errors.Is(c.err, context.Canceled) {
		c.err = errors.New("stopped before the command was finished")
	}
	if !c.printed {
		fmt.Fprintf(p.Stderr, "patchbay: %v\n", c.err)
	}
	return c.code
}

func failure(err error) error { return &exitError{code: exitFailure, err: err} }

// options are the flags that several commands have.
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
		Long: `Patchbay receives messages from any channel and routes them by the rules of a
YAML file. It delivers them in the receiver's format, in order and without loss.
Each conversation has one owner at a time.

Exit codes: 0 success, 1 failure while running, 2 wrong usage, 3 a check found
problems, 69 the gateway is not reachable, 78 the configuration is invalid at
start.`,
		Example: `  patchbay check               check config.yaml
  patchbay run                 start the gateway
  patchbay trace 0190d1c2-...  show the path of a message
  patchbay dead list           list deliveries that were given up`,
		SilenceErrors: true, SilenceUsage: true, Version: p.Version,
	}
	root.SetVersionTemplate("patchbay {{.Version}}\n")
	root.SetUsageTemplate(strings.Replace(root.UsageTemplate(),
		"Use \"{{.CommandPath}} [command] --help\" for more information about a command.",
		"Run '{{.CommandPath}} COMMAND --help' for the help of a command.", 1))
	config := os.Getenv("PATCHBAY_CONFIG")
	if config == "" {
		config = "config.yaml"
	}
	root.PersistentFlags().StringVarP(&o.config, "config", "c", config, "config `file` (or PATCHBAY_CONFIG)")
	root.PersistentFlags().StringVar(&o.admin, "admin", "", "admin `address` of the gateway (default: as configured)")
	root.AddCommand(newRun(o), newCheck(o), newConfig(o), newRoutes(o), newTest(o), newExplain(o), newDiff(o),
		newTrace(o), newDead(o), newConversation(o), newChannel(o),
		newReload(o), newDrain(o), newBackup(o), newRestore(o), newAdapter(o), newVersion(o))
	refuseUnknownTopics(root)
	return root
}

// refuseUnknownTopics changes cobra's commands help and completion: an unknown topic is an error. Cobra alone would
// print the usage and exit with success.
func refuseUnknownTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Args = cobra.NoArgs
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case "help":
			cmd.Run = nil
			cmd.RunE = func(_ *cobra.Command, topic []string) error {
				found, rest, err := root.Find(topic)
				if err == nil && len(rest) > 0 {
					err = fmt.Errorf("unknown command %q for %q", rest[0], found.CommandPath())
				}
				if err != nil {
					return err
				}
				found.InitDefaultHelpFlag()
				return found.Help()
			}
		}
	}
}

// group makes a command that only has subcommands. Without a subcommand it prints its help. An unknown subcommand is an
// error; cobra alone would print the help in this case too.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

// validate lets the adapters validate the usable part of a configuration, which can be nil. It discards their log
// output, because the problems contain the last lines of it.
func (o *options) validate(ctx context.Context, cfg *config.Config) app.Findings {
	if cfg == nil {
		return app.Findings{}
	}
	found := app.Check(ctx, cfg, app.Options{Version: o.process.Version, Logger: slog.New(slog.DiscardHandler)})
	found.Warnings = append(found.Warnings, cfg.Warnings...)
	config.SortProblems(found.Warnings)
	return found
}
