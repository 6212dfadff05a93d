package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"
)

// Limits of "sandbox run".
const (
	startWithin = 60 * time.Second // the gateway, which checks its store first
	stopWithin  = 30 * time.Second // after the first signal; then it is killed
)

// runOptions are the command line of "sandbox run".
type runOptions struct {
	bin, config            string
	listen, gateway, admin string // addresses
}

// runAll runs the pretend vendors and a gateway between them until ctx ends, then stops both.
func runAll(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o runOptions
	flags := flag.NewFlagSet("sandbox run", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.bin, "gateway-bin", "bin/patchbay", "the gateway's program")
	flags.StringVar(&o.config, "config", "config.yaml", "the gateway's configuration")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8070", "address of the pages and the pretend vendors")
	flags.StringVar(&o.gateway, "gateway-listen", "127.0.0.1:8080", "address of the gateway for webhooks")
	flags.StringVar(&o.admin, "gateway-admin", "127.0.0.1:9090", "address of the gateway for operators")
	if err := parse(flags, args); err != nil {
		return err
	}
	defer takeTerminal(int(os.Stdin.Fd()))()
	s, err := New(Options{
		Listen: o.listen, Gateway: "http://" + o.gateway, Credentials: CredentialsFrom(os.LookupEnv),
		Logger: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	// The vendors stay until the gateway has stopped: its last calls are to them.
	vendors, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Run(vendors) }()
	gw := &gateway{bin: o.bin, config: o.config, listen: o.gateway, admin: o.admin, sandbox: s.URL()}
	err = attend(ctx, gw, served, func() {
		fmt.Fprintf(stdout, "\n  customer  %s/\n  agent     %s/desk\n  operator  http://%s/readyz?verbose   (Ctrl-C stops)\n\n",
			s.URL(), s.URL(), o.admin)
	})
	gw.kill()
	stop()
	return errors.Join(err, <-served)
}

// attend starts the gateway, calls ready, and stops the gateway when ctx ends. It is an error if the gateway or the
// vendors end before. What is in served is put back.
func attend(ctx context.Context, gw *gateway, served chan error, ready func()) error {
	starting, cancel := context.WithTimeout(ctx, startWithin)
	err := gw.start(starting)
	cancel()
	switch {
	case ctx.Err() != nil: // a signal came while it was starting; it may end as it likes
		stopping, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		_ = gw.stop(stopping)
		return nil
	case err != nil:
		return err
	}
	ready()
	select {
	case <-ctx.Done():
	case err := <-served:
		served <- nil
		return fmt.Errorf("the pretend vendors ended: %w", err)
	case err := <-gw.done:
		gw.done <- err
		if err == nil {
			err = errEnded
		}
		return fmt.Errorf("the gateway ended by itself: %w", err)
	}
	stopping, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return gw.stop(stopping)
}
