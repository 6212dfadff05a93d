// Command sandbox simulates the vendors around a gateway on one machine: a live-chat page for the customer, a desk page
// for the agent, and the APIs of GPTBots and AICC.
//
//	sandbox [--listen 127.0.0.1:8070] [--gateway http://127.0.0.1:8080]
//	sandbox run --gateway-bin bin/patchbay --config config.yaml
//	sandbox demo --gateway-bin bin/patchbay --config config.yaml
//
// The second form also runs a gateway, at the addresses of its configuration, until SIGINT or SIGTERM. The third form
// plays a conversation through a gateway and fails if a step fails.
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

// errUsage means that the command line is wrong; the flag package has printed the reason.
var errUsage = errors.New("wrong command line")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "run":
			return runAll(ctx, args[1:], stdout, stderr)
		case "demo":
			return runDemo(ctx, args[1:], stdout, stderr)
		}
	}
	flags := flag.NewFlagSet("sandbox", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:8070", "address of the pages and the simulated vendors")
	gateway := flags.String("gateway", "http://127.0.0.1:8080", "address of the gateway")
	if err := parse(flags, args); err != nil {
		return err
	}
	s, err := New(Options{Listen: *listen, Gateway: *gateway, Logger: slog.New(slog.NewTextHandler(stderr, nil))})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return err
	} else if err != nil {
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(flags.Output(), "unexpected argument %q; the commands are run and demo\n", flags.Arg(0))
		return errUsage
	}
	return nil
}
