package plugin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestRestartEndsQuarantine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late")
	r := run(t, "", func(o *Options) { o.Command = path })
	r.waitFor("quarantined", func(s Status) bool { return s.State == StateQuarantined })
	if err := os.Symlink(hostilePath, path); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "restart is accepted", func() bool { r.Restart(); return r.Status().State != StateQuarantined })
	r.ready()
}

func TestPermanentErrorIsRetried(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late")
	r := run(t, "", func(o *Options) { o.Command, o.PermanentRetry = path, 20*time.Millisecond })
	r.waitFor("quarantined", func(s Status) bool { return s.State == StateQuarantined })
	if err := os.Symlink(hostilePath, path); err != nil {
		t.Fatal(err)
	}
	r.waitFor("ready", Status.AcceptsCalls)
}

func TestReceiveWaitsForTheNextProcess(t *testing.T) {
	r := run(t, "")
	ctx, cancel := context.WithTimeout(r.ctx(), time.Nanosecond)
	defer cancel()
	if _, err := r.receiveAt(ctx, "/x", ""); !errors.Is(err, ErrNotReady) {
		t.Errorf("without time: %v", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := r.receiveAt(r.ctx(), "/x", ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestCrashLoopEndsInQuarantine(t *testing.T) {
	r := run(t, "", func(o *Options) { o.CrashBudget, o.HealthyAfter = 3, time.Hour })
	for n := range 3 {
		r.waitFor("ready", func(s Status) bool { return s.Instance == n+1 && s.AcceptsCalls() })
		kill(t, r)
	}
	st := r.waitFor("quarantined", func(s Status) bool { return s.State == StateQuarantined })
	if st.Reason != reasonExited || st.Instance != 3 {
		t.Errorf("status %+v", st)
	}
	waitFor(t, "restart is accepted", func() bool { r.Restart(); return r.Status().State != StateQuarantined })
	r.ready()
	kill(t, r)
	r.waitFor("quarantined by one crash in the trial", func(s Status) bool { return s.State == StateQuarantined })
}

// kill kills the process while it runs no call.
func kill(t *testing.T, r *runningHost) {
	t.Helper()
	if err := syscall.Kill(r.Status().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
