package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"patchbay/sandbox/gateway"
)

// Limits of "sandbox run".
const (
	startWithin = 60 * time.Second // includes the check of the store
	stopWithin  = 30 * time.Second // from the first signal until the gateway is killed
)

// deployment is a sandbox and a gateway that connects the sandbox's vendors.
type deployment struct {
	s            *Sandbox
	gw           *gateway.Gateway
	sandboxEnded chan error // receives the result of Sandbox.Run
	end          context.CancelFunc
}

// newDeployment serves a sandbox, and prepares a gateway that writes its output to a file.
func newDeployment(o options, output *os.File, logger *slog.Logger) (*deployment, error) {
	s, err := New(Options{Listen: o.listen, Gateway: "http://" + o.gateway, Logger: logger})
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	st := &deployment{s: s, sandboxEnded: make(chan error, 1), end: end}
	go func() { st.sandboxEnded <- s.Run(ctx) }()
	env := append(os.Environ(), "SANDBOX_URL="+s.URL())
	st.gw = &gateway.Gateway{Bin: o.bin, Config: o.config, Env: env, Admin: o.admin, Output: output}
	return st, nil
}

// close kills the gateway if it is running, and then ends the sandbox: the gateway calls the vendors until it ends.
func (st *deployment) close() error {
	st.gw.Kill()
	st.end()
	return <-st.sandboxEnded
}

// runAll runs the sandbox and a gateway until ctx ends.
func runAll(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	if o.gateway, o.admin, err = gateway.Addresses(o.config); err != nil {
		return err
	}
	defer takeTerminal(int(os.Stdin.Fd()))()
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	st, err := newDeployment(o, os.Stderr, logger)
	if err != nil {
		return err
	}
	return errors.Join(st.serve(ctx, stdout), st.close())
}

// serve starts the gateway, prints the addresses, and stops the gateway when ctx ends. It returns an error if the
// gateway or the sandbox ends before ctx.
func (st *deployment) serve(ctx context.Context, stdout io.Writer) error {
	starting, cancel := context.WithTimeout(ctx, startWithin)
	err := st.gw.Start(starting)
	cancel()
	if ctx.Err() != nil { // a signal interrupted the start: the exit code does not matter
		if st.gw.Running() {
			_ = st.stop()
		}
		return nil
	}
	if err != nil {
		return err
	}
	const addresses = "\n  customer  %s/\n  agent     %s/desk\n  operator  http://%s/readyz?verbose   (Ctrl-C stops)\n\n"
	fmt.Fprintf(stdout, addresses, st.s.URL(), st.s.URL(), st.gw.Admin)
	select {
	case <-ctx.Done():
	case err := <-st.sandboxEnded:
		st.sandboxEnded <- nil
		return fmt.Errorf("the sandbox ended: %w", err)
	case <-st.gw.Exited():
		return fmt.Errorf("%w with exit code %d", gateway.ErrEnded, st.gw.ExitCode())
	}
	return st.stop()
}

func (st *deployment) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return st.gw.Stop(ctx)
}

// runDemo runs the demo with a gateway on free ports and an empty store.
func runDemo(ctx context.Context, o options, stdout io.Writer) (err error) {
	st := &demo{out: stdout, within: o.within}
	dir, err := os.MkdirTemp("", "patchbay-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the store: %w", err)
	}
	defer os.RemoveAll(dir)
	o.listen = "127.0.0.1:0"
	for _, address := range []*string{&o.gateway, &o.admin} {
		var release func()
		if *address, release, err = gateway.FreeAddress(); err != nil {
			return err
		}
		defer release()
	}
	log, err := os.Create(filepath.Join(dir, "gateway.log"))
	if err != nil {
		return fmt.Errorf("create the gateway's log: %w", err)
	}
	defer log.Close()
	if st.deployment, err = newDeployment(o, log, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	st.gw.Env = append(st.gw.Env, "PATCHBAY_LISTEN="+o.gateway, "PATCHBAY_ADMIN__LISTEN="+o.admin,
		"PATCHBAY_STORE__DIR="+filepath.Join(dir, "store"))
	if err := st.run(ctx); err != nil {
		for name, v := range st.s.vendors() {
			fmt.Fprintf(stdout, "\nRefused by %s: %q", name, v.Problems.All())
		}
		content, _ := os.ReadFile(log.Name()) // only explains the error
		fmt.Fprintf(stdout, "\nEnd of the gateway's log:\n%s\n", content[max(0, len(content)-8000):])
		return err
	}
	return nil
}
