// Package jetstream is the durable [store.Log]: a NATS server with JetStream inside this process, which listens on
// nothing and syncs every write.
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
	// maxDerivedCap bounds the cap that is derived from the size of the disk.
	maxDerivedCap = 64 << 30
	// minCap is the smallest cap that a log can work with: several of the largest records.
	minCap = 4 << 20
	// maxDerivedFreeLow bounds the low mark of free space that is derived from the size of the disk.
	maxDerivedFreeLow = 512 << 20
	// defaultAckTimeout is how long an append waits for the server, which doesn't answer at all when it can't write.
	defaultAckTimeout = 2 * time.Second
)

// Options say where a log lives and how much room it may take.
type Options struct {
	// Dir is the folder of the store. It is created with mode 0700 if it doesn't exist. Required.
	Dir string
	// Prefix starts the names of streams and subjects: lower-case letters, digits and dashes. Default "patchbay".
	Prefix string
	// Shard is the number of the log among the logs of one gateway; it is part of the names too.
	Shard int
	// Cap is the number of bytes that the records may take. Default: four fifths of what is free on the disk or
	// already taken by the log, at most 64 GiB.
	Cap uint64
	// FreeLow is the free space, in bytes, under which Health says that the log isn't writable; under a quarter of it
	// Append fails with store.ErrFull. Default: a twentieth of the disk, at most 512 MiB.
	FreeLow uint64
	// AckTimeout is how long Append waits for the server before the record is in doubt. Default 2 s.
	AckTimeout time.Duration
	// Logger takes what the operator should know. Required.
	Logger *slog.Logger

	// statDisk looks a folder's volume up; tests put a small one in its place.
	statDisk func(dir string) (disk, error)
}

var prefixPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// withDefaults checks the options and fills in what doesn't depend on the disk.
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
		problems = append(problems, errors.New("dir is empty: name the folder of the store"))
	}
	if o.Logger == nil {
		problems = append(problems, errors.New("logger is nil"))
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

// names are the streams and subjects of one shard.
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
