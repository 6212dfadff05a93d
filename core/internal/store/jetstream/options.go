// Package jetstream implements [store.Log] on disk: a NATS JetStream server embedded in this process, which opens no
// port and syncs every write.
package jetstream

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"patchbay/core/internal/disk"
)

const (
	// maxDerivedCap limits the cap derived from the size of the disk.
	maxDerivedCap = 64 << 30
	// minCap is the smallest usable cap: several records of maximum size.
	minCap = 4 << 20
	// maxDerivedFreeLow limits the FreeLow derived from the size of the disk.
	maxDerivedFreeLow = 512 << 20
	// defaultAckTimeout is the default of Options.AckTimeout. If a write fails, the server sends no response at all.
	defaultAckTimeout = 2 * time.Second
)

// Options configure the folder and the size of a log.
type Options struct {
	// Dir is the folder of the store. Open creates it with mode 0700. Required.
	Dir string
	// Cap is the size of the records in bytes from which the limits follow: Health reports the log as not writable
	// above nine tenths of Cap, and Append fails at store.Overflow times Cap. Default: four fifths of the space that is
	// free or already taken by the store, at most 64 GiB.
	Cap uint64
	// FreeLow is the free disk space in bytes below which Health reports the log as not writable. Below a quarter of
	// it Append fails with store.ErrFull. Default: a twentieth of the disk, at most 512 MiB.
	FreeLow uint64
	// AckTimeout is the time after which an unacknowledged Append fails with store.ErrUnavailable. Default 2 s.
	AckTimeout time.Duration
	// Logger is required.
	Logger *slog.Logger

	// readSpace is disk.ReadSpace; tests replace it to simulate a small disk.
	readSpace func(dir string) (disk.Space, error)
}

// withDefaults validates the options and sets the defaults that do not depend on the disk.
func (o Options) withDefaults() (Options, error) {
	if o.AckTimeout == 0 {
		o.AckTimeout = defaultAckTimeout
	}
	if o.readSpace == nil {
		o.readSpace = disk.ReadSpace
	}
	var problems []error
	if o.Dir == "" {
		problems = append(problems, errors.New("dir is empty: set the folder of the store"))
	}
	if o.Logger == nil {
		problems = append(problems, errors.New("logger is nil: set one"))
	}
	if o.Cap != 0 && o.Cap < minCap {
		problems = append(problems, fmt.Errorf("cap of %d bytes: use at least %d", o.Cap, minCap))
	}
	if o.AckTimeout < 0 {
		problems = append(problems, fmt.Errorf("ack timeout %s: use a positive duration", o.AckTimeout))
	}
	return o, errors.Join(problems...)
}
