package jetstream

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"patchbay/core/internal/store/crashdisk"
)

// powerCuts is the environment variable with the number of simulated power cuts.
const powerCuts = "PATCHBAY_POWER_CUTS"

// recording contains the file operations of a process that appends to an empty store.
type recording struct {
	ops          []crashdisk.Op
	acknowledged []uint64 // sequence of the newest acknowledged record after each operation
}

// record runs a child until it has acknowledged n records, and records its file operations. fail returns the error of
// an operation that must fail.
func record(t *testing.T, n uint64, fail func(crashdisk.Op) unix.Errno) *recording {
	t.Helper()
	dir := t.TempDir()
	r, last, line := &recording{}, uint64(0), []byte(nil)
	tracer := crashdisk.Tracer{Root: dir, Fail: fail, Record: func(op crashdisk.Op) bool {
		if op.Kind == crashdisk.Print {
			line = append(line, op.Data...)
			for {
				text, rest, whole := bytes.Cut(line, []byte("\n"))
				if !whole {
					break
				}
				last, line = parse(t, string(text)), rest
			}
		}
		r.ops, r.acknowledged = append(r.ops, op), append(r.acknowledged, last)
		return last < n
	}}
	runTraced(t, &tracer)
	if last < n {
		t.Fatalf("the child acknowledged %d records, want %d", last, n)
	}
	return r
}

// runTraced runs a child with the tracer. The child prints errors to the output of the test.
func runTraced(t *testing.T, tracer *crashdisk.Tracer) {
	t.Helper()
	child := exec.Command(os.Args[0]) // the tracer kills it
	child.Env = append(os.Environ(), childDir+"="+tracer.Root)
	child.Stderr = os.Stderr
	if err := tracer.Run(child); errors.Is(err, unix.EPERM) {
		t.Skipf("this environment does not allow tracing: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
}

// powerCutCount returns the number of simulated power cuts.
func powerCutCount(t *testing.T) int {
	text := os.Getenv(powerCuts)
	if text == "" {
		return 8
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// check simulates a power cut after the first operations, opens the remaining store, and checks that it contains the
// acknowledged records.
func (r *recording) check(t *testing.T, cut, operations int, random *rand.Rand) {
	loss := crashdisk.Losses[cut%len(crashdisk.Losses)]
	t.Run(fmt.Sprintf("%d after %d of %d operations, loss %d", cut, operations, len(r.ops), loss), func(t *testing.T) {
		var disk crashdisk.Disk
		for _, op := range r.ops[:operations] {
			if err := disk.Apply(op); err != nil {
				t.Fatal(err)
			}
		}
		dir := filepath.Join(t.TempDir(), "store")
		if err := errors.Join(os.Mkdir(dir, 0o700), disk.Save(dir, loss, random)); err != nil {
			t.Fatal(err)
		}
		acknowledged := uint64(0)
		if operations > 0 {
			acknowledged = r.acknowledged[operations-1]
		}
		h := newHarness(t, Options{Dir: dir, Cap: 64 << 20})
		checkRecords(t, cut, h.log, acknowledged)
		checkSnapshot(t, cut, h.log, acknowledged)
	})
}

// TestPowerCut simulates power cuts after file operations of a store. The store must open with all acknowledged
// records.
func TestPowerCut(t *testing.T) {
	r := record(t, 90, nil)
	random := rand.New(rand.NewPCG(8, 1))
	created := slices.IndexFunc(r.acknowledged, func(last uint64) bool { return last > 0 })
	for cut := range powerCutCount(t) {
		operations := random.IntN(len(r.ops))
		if cut%4 == 0 {
			operations = random.IntN(created)
		}
		r.check(t, cut, operations, random)
	}
}

// TestFailedWrites makes each 25th write or sync of a block fail once. The store must recover, and a later power cut
// must lose no acknowledged record, also if the system has discarded the writes before a failed sync.
func TestFailedWrites(t *testing.T) {
	for kind, name := range map[crashdisk.Kind]string{crashdisk.Write: "write", crashdisk.Sync: "sync"} {
		t.Run(name, func(t *testing.T) {
			count, failed := 0, 0
			r := record(t, 60, func(op crashdisk.Op) unix.Errno {
				if op.Kind != kind || !strings.Contains(op.Path, logStream) || !strings.HasSuffix(op.Path, ".blk") {
					return 0
				}
				if count++; count%25 != 0 {
					return 0
				}
				failed++
				return unix.EIO
			})
			if failed < 2 {
				t.Fatalf("%d operations failed, want at least 2", failed)
			}
			random := rand.New(rand.NewPCG(8, 2))
			for cut := range powerCutCount(t) {
				r.check(t, cut, random.IntN(len(r.ops)), random)
			}
		})
	}
}
