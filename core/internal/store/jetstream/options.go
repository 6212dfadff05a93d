// Package jetstream implements [store.Log] on disk: a NATS JetStream server embedded in this process, which opens no
// port and syncs every write.
package jetstream

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"time"
)

const (
	// maxDerivedCap limits the cap derived from the size of the disk.
	maxDerivedCap = 64 << 30
	// minCap is the smallest usable cap: several records of maximum size.
	minCap = 4 << 20
	// maxDerivedFreeLow limits the FreeLow derived from the size of the disk.
	maxDerivedFreeLow = 512 << 20
	// defaultAckTimeout is the default of Options.AckTimeout. The server does not answer at all if a write fails.
	defaultAckTimeout = 2 * time.Second
)

// Options configure the folder and the size of a log.
type Options struct {
	// Dir is the folder of the store. Open creates it with mode 0700. Required.
	Dir string
	// Prefix starts the names of streams and subjects: lower-case letters, digits and dashes. Default "patchbay".
	Prefix string
	// Shard is the number of this log among the logs of one gateway. It is part of the names of streams and subjects.
	Shard int
	// Cap is the size limit of the records in bytes. Default: four fifths of the space that is free or already taken
	// by the log, at most 64 GiB.
	Cap uint64
	// FreeLow is the free disk space in bytes below which Health reports the log as not writable. Below a quarter of
	// it Append fails with store.ErrFull. Default: a twentieth of the disk, at most 512 MiB.
	FreeLow uint64
	// AckTimeout is the time after which an unanswered Append fails with store.ErrUnavailable. Default 2 s.
	AckTimeout time.Duration
	// Logger is required.
	Logger *slog.Logger

	// statDisk returns the volume of a folder; tests replace it with a small one.
	statDisk func(dir string) (disk, error)
}

var prefixPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// withDefaults validates the options and sets the defaults that do not depend on the disk.
func (o Options) withDefaults() (Options, error) {
	if o.Prefix == "" {
		o.Prefix = "patchbay"
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = defaultAckTimeout
	}
	if o.statDisk == nil {
		o.statDisk = statDisk
	}
	var problems []error
	if o.Dir == "" {
		problems = append(problems, errors.New("dir is empty: set the folder of the store"))
	}
	if o.Logger == nil {
		problems = append(problems, errors.New("logger is nil: set one"))
	}
	if !prefixPattern.MatchString(o.Prefix) {
		problems = append(problems, fmt.Errorf("prefix %q: use 1 to 32 lower-case letters, digits and dashes", o.Prefix))
	}
	if o.Shard < 0 {
		problems = append(problems, fmt.Errorf("shard %d: use 0 or a positive number", o.Shard))
	}
	if o.Cap != 0 && o.Cap < minCap {
		problems = append(problems, fmt.Errorf("cap of %d bytes: use at least %d", o.Cap, minCap))
	}
	if o.AckTimeout < 0 {
		problems = append(problems, fmt.Errorf("ack timeout %s: use a positive duration", o.AckTimeout))
	}
	return o, errors.Join(problems...)
}

// names are the names of the streams and subjects of one shard.
type names struct {
	logStream, logSubject           string
	snapshotStream, snapshotSubject string
	snapshotData, snapshotCommit    string
}

func (o Options) names() names {
	shard := strconv.Itoa(o.Shard)
	snapshots := o.Prefix + "." + shard + ".snapshot."
	return names{
		logStream:       o.Prefix + "_log_" + shard,
		logSubject:      o.Prefix + "." + shard + ".log",
		snapshotStream:  o.Prefix + "_snapshot_" + shard,
		snapshotSubject: snapshots + "*",
		snapshotData:    snapshots + "data",
		snapshotCommit:  snapshots + "commit",
	}
}
