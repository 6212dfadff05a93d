package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"
)

// demoOptions are the command line of "sandbox demo".
type demoOptions struct {
	bin    string
	config string
	within time.Duration
	keep   bool
	media  bool
}

// runDemo plays the story: a gateway of its own, a temporary store, no person.
func runDemo(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o demoOptions
	flags := flag.NewFlagSet("sandbox demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.bin, "gateway-bin", "bin/patchbay", "the gateway's program")
	flags.StringVar(&o.config, "config", "config.yaml", "the gateway's configuration")
	flags.DurationVar(&o.within, "within", 15*time.Second, "how long each step may take")
	flags.BoolVar(&o.keep, "keep", false, "keep the temporary folder with the store and the gateway's log")
	flags.BoolVar(&o.media, "media", true, "play the steps with pictures, too")
	if err := parse(flags, args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "patchbay-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the store: %w", err)
	}
	if o.keep {
		fmt.Fprintln(stdout, "store and log:", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	return playDemo(ctx, o, dir, stdout)
}

// playDemo starts the sandbox, plays the story, and stops everything again.
func playDemo(ctx context.Context, o demoOptions, dir string, stdout io.Writer) (err error) {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	gw := &gateway{
		bin: o.bin, config: o.config, listen: ports[0], admin: ports[1],
		store: filepath.Join(dir, "store"), log: filepath.Join(dir, "gateway.log"),
	}
	s, err := New(Options{
		Listen: "127.0.0.1:0", Gateway: "http://" + gw.listen,
		Credentials: CredentialsFrom(os.LookupEnv), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	gw.sandbox = s.URL()
	running, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- s.Run(running) }()
	defer func() {
		gw.kill()
		stop()
		err = errors.Join(err, <-served)
	}()
	user := "demo-" + time.Now().UTC().Format("20060102-150405")
	st := &story{s: s, gw: gw, out: stdout, within: o.within, user: user, media: o.media}
	if err := st.play(ctx); err != nil {
		st.explain(ctx)
		return err
	}
	return nil
}

// freePorts returns n local addresses that nobody listens on now. They lie below the ports that systems choose by themselves, for
// listeners and outgoing connections: nobody is given one of them before the gateway listens there.
func freePorts(n int) ([]string, error) {
	addresses := make([]string, 0, n)
	for tries := 0; len(addresses) < n; tries++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err != nil && tries < 100 {
			continue // somebody has it
		}
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() // not before all are found, or one could be found twice
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
