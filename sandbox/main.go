// Command sandbox simulates the vendors around a gateway on one machine: a live-chat page for the customer, a desk page
// for the agent, and the APIs of GPTBots and AICC.
//
//	sandbox [--listen 127.0.0.1:8070] [--gateway http://127.0.0.1:8080]
//	sandbox run --gateway-bin bin/patchbay --config config.yaml
//	sandbox demo --gateway-bin bin/patchbay --config config.yaml
//
// The second form also runs a gateway, at the addresses of its configuration, until SIGINT or SIGTERM. The third form
// runs a conversation through a gateway and fails if a step fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup ignores it
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

// errUsage means that the command line is wrong. The reason is printed already.
var errUsage = errors.New("wrong command line")

// help is the beginning of a command's help text; the flags follow it.
const help = `The sandbox simulates the vendors around a gateway.

  sandbox [flags]       serve the pages and the simulated vendors
  sandbox run [flags]   the same, and run a gateway
  sandbox demo [flags]  run a conversation through a gateway

POST /faults makes a simulated vendor fail, for example:

  curl -d '{"vendor":"gptbots","kind":"status","status":503}' 127.0.0.1:8070/faults

sandbox/README.md lists the faults. DELETE /faults ends them.

Flags of %s:
`

// options are the values of the flags of all commands.
type options struct {
	listen, gateway, admin string // addresses
	bin, config            string
	within                 time.Duration // limit of each step of the demo
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	command := "sandbox"
	if len(args) > 0 && (args[0] == "run" || args[0] == "demo") {
		command, args = "sandbox "+args[0], args[1:]
	}
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, help, command)
		flags.PrintDefaults()
	}
	if command != "sandbox demo" {
		flags.StringVar(&o.listen, "listen", "127.0.0.1:8070", "address of the pages and the simulated vendors")
	} else {
		flags.DurationVar(&o.within, "within", 15*time.Second, "maximum duration of each step")
	}
	if command == "sandbox" {
		flags.StringVar(&o.gateway, "gateway", "http://127.0.0.1:8080", "address of the gateway")
	} else {
		flags.StringVar(&o.bin, "gateway-bin", "bin/patchbay", "the gateway's program")
		flags.StringVar(&o.config, "config", "config.yaml", "the gateway's configuration")
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "unexpected argument %q; the commands are run and demo\n", flags.Arg(0))
		return errUsage
	}
	switch command {
	case "sandbox run":
		return runAll(ctx, o, stdout, stderr)
	case "sandbox demo":
		return runDemo(ctx, o, stdout)
	}
	s, err := New(Options{Listen: o.listen, Gateway: o.gateway, Logger: slog.New(slog.NewTextHandler(stderr, nil))})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
