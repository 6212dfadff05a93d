package jetstream

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"patchbay/core/internal/store"
)

// childDir is an environment variable. If it is set, the test binary appends to the store in this folder until it is
// killed.
const childDir = "PATCHBAY_STORE_TEST_CHILD"

// childTimeout is the timeout of the child's appends. After it, the child recovers the store.
const childTimeout = 200 * time.Millisecond

// runChild appends records indefinitely and prints the sequence of each acknowledged record. It also saves snapshots
// and purges regularly, so that kills interrupt these too.
func runChild(dir string) int {
	ctx := context.Background()
	log, err := Open(ctx, Options{
		Dir: dir, Cap: 64 << 20, FreeLow: 1 << 20, AckTimeout: childTimeout, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if _, _, err := log.LoadSnapshot(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for last := log.Bounds().Last; ; last++ {
		err := log.Append(ctx, last, childRecord(last+1))
		for errors.Is(err, store.ErrUnavailable) {
			var got uint64
			if got, err = log.Recover(ctx); err == nil && got == last {
				err = log.Append(ctx, last, childRecord(last+1))
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println(last + 1)
		if (last+1)%20 != 0 {
			continue
		}
		if err := childSnapshot(ctx, log, last+1); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
}

// childRecord returns the child's record with the sequence seq. Each 16th record is large.
func childRecord(seq uint64) []byte {
	n := 200
	if seq%16 == 0 {
		n = 100 << 10
	}
	return binary.LittleEndian.AppendUint64(make([]byte, n), seq)
}

func childSnapshot(ctx context.Context, log *Log, seq uint64) error {
	bucket := binary.LittleEndian.AppendUint64(make([]byte, 1200<<10), seq)
	s := store.Snapshot{Seq: seq, Keep: log.base != nil, Buckets: map[uint32][]byte{uint32(seq % 3): bucket, 9: bucket}}
	if err := log.SaveSnapshot(ctx, s); err != nil {
		return err
	}
	if seq <= 200 {
		return nil
	}
	return log.Purge(ctx, seq-200)
}

func TestAcknowledgedRecordsSurviveKill(t *testing.T) {
	dir := t.TempDir()
	var acknowledged uint64
	for cycle := range 10 {
		acknowledged = max(acknowledged, killAfter(t, dir, 10+rand.IntN(80)))
		h := newHarness(t, Options{Dir: dir, Cap: 64 << 20})
		checkRecords(t, cycle, h.log, acknowledged)
		checkSnapshot(t, cycle, h.log, acknowledged)
		if err := h.log.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter starts a child, kills it after n acknowledgements, and returns the last acknowledged sequence.
func killAfter(t *testing.T, dir string, n int) (last uint64) {
	t.Helper()
	child := exec.CommandContext(withTimeout(t), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	var stderr strings.Builder
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range n {
		if !lines.Scan() {
			break
		}
		last = parse(t, lines.Text())
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // printed before the kill
		last = parse(t, lines.Text())
	}
	if err := child.Wait(); err == nil || stderr.Len() > 0 || last == 0 {
		t.Fatalf("child ended with %v after %d, want it killed: %s", err, last, &stderr)
	}
	return last
}

func parse(t *testing.T, line string) uint64 {
	t.Helper()
	seq, err := strconv.ParseUint(line, 10, 64)
	if err != nil {
		t.Fatalf("child printed %q, want a sequence", line)
	}
	return seq
}

func checkRecords(t *testing.T, cycle int, log *Log, acknowledged uint64) {
	t.Helper()
	b := log.Bounds()
	if b.Last < acknowledged || b.Last > acknowledged+1 {
		t.Errorf("cycle %d: the log ends at %d, want %d or one more", cycle, b.Last, acknowledged)
	}
	next := b.First
	err := log.Read(withTimeout(t), 1, func(seq uint64, data []byte) error {
		if seq != next || string(data) != string(childRecord(seq)) {
			return fmt.Errorf("record %d has %d bytes, want record %d", seq, len(data), next)
		}
		next++
		return nil
	})
	if err != nil || next != b.Last+1 {
		t.Errorf("cycle %d: read up to %d of %d, error %v", cycle, next-1, b.Last, err)
	}
	if h := log.Health(); h.Missing != nil {
		t.Errorf("cycle %d: records %v are missing", cycle, h.Missing)
	}
}

func checkSnapshot(t *testing.T, cycle int, log *Log, acknowledged uint64) {
	t.Helper()
	s, found, err := log.LoadSnapshot(withTimeout(t))
	if err != nil || (!found && acknowledged >= 40) {
		t.Errorf("cycle %d: LoadSnapshot() = found %t, %v after %d records", cycle, found, err, acknowledged)
	}
	if b := log.Bounds(); found && s.Seq+1 < b.First {
		t.Errorf("cycle %d: the log starts at %d, after the snapshot of record %d", cycle, b.First, s.Seq)
	}
}
