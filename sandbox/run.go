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

// stage is a sandbox and a gateway that connects its vendors.
type stage struct {
	s      *Sandbox
	gw     *gateway.Gateway
	served chan error // receives the result of Run
	end    context.CancelFunc
}

// newStage serves a sandbox, and prepares a gateway that writes its output to a file.
func newStage(o options, output *os.File, logger *slog.Logger) (*stage, error) {
	s, err := New(Options{Listen: o.listen, Gateway: "http://" + o.gateway, Logger: logger})
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	st := &stage{s: s, served: make(chan error, 1), end: end}
	go func() { st.served <- s.Run(ctx) }()
	env := append(os.Environ(), "SANDBOX_URL="+s.URL())
	st.gw = &gateway.Gateway{Bin: o.bin, Config: o.config, Env: env, Admin: o.admin, Output: output}
	return st, nil
}

// close kills the gateway if it runs, and ends the sandbox. The vendors end last because the gateway calls them until
// it ends.
func (st *stage) close() error {
	st.gw.Kill()
	st.end()
	return <-st.served
}

// runAll runs the sandbox and a gateway until ctx ends.
func runAll(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	if o.gateway, o.admin, err = gateway.Addresses(o.config); err != nil {
		return err
	}
	defer takeTerminal(int(os.Stdin.Fd()))()
	st, err := newStage(o, os.Stderr, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	return errors.Join(st.attend(ctx, stdout), st.close())
}

// attend starts the gateway, prints the addresses, and stops the gateway when ctx ends. It returns an error if the
// gateway or the sandbox ends earlier.
func (st *stage) attend(ctx context.Context, stdout io.Writer) error {
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
	case err := <-st.served:
		st.served <- nil
		return fmt.Errorf("the sandbox ended: %w", err)
	case <-st.gw.Exited():
		return fmt.Errorf("%w with exit code %d", gateway.ErrEnded, st.gw.ExitCode())
	}
	return st.stop()
}

func (st *stage) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	return st.gw.Stop(ctx)
}

// runDemo plays the story with a gateway on free ports and an empty store.
func runDemo(ctx context.Context, o options, stdout io.Writer) (err error) {
	st := &story{out: stdout, within: o.within}
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
	if st.stage, err = newStage(o, log, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	st.gw.Env = append(st.gw.Env, "PATCHBAY_LISTEN="+o.gateway, "PATCHBAY_ADMIN__LISTEN="+o.admin,
		"PATCHBAY_STORE__DIR="+filepath.Join(dir, "store"))
	if err := st.play(ctx); err != nil {
		for name, v := range st.s.vendors() {
			fmt.Fprintf(stdout, "\nRefused by %s: %q", name, v.Problems.All())
		}
		content, _ := os.ReadFile(log.Name()) // only explains the error
		fmt.Fprintf(stdout, "\nEnd of the gateway's log:\n%s\n", content[max(0, len(content)-8000):])
		return err
	}
	return nil
}
