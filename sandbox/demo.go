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

// runDemo plays the story with a gateway on free ports and an empty store.
func runDemo(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var o stageOptions
	st := &story{out: stdout}
	flags := o.flags("sandbox demo", stderr)
	flags.DurationVar(&st.within, "within", 15*time.Second, "how long each step may take")
	if err := parse(flags, args); err != nil {
		return err
	}
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
