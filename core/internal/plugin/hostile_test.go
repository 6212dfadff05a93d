package plugin

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

func TestFailedStartsAreExplained(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte("\x7fELF nonsense"), 0o700); err != nil {
		t.Fatal(err)
	}
	command := func(path string) func(*Options) { return func(o *Options) { o.Command = path } }
	for name, tc := range map[string]struct {
		modes  string
		change func(*Options)
		reason string
		text   string
	}{
		"missing file":                  {"", command(filepath.Join(dir, "none")), reasonPermanent, "no such file"},
		"relative path":                 {"", command("bin/hostile"), reasonPermanent, "absolute"},
		"a folder":                      {"", command(dir), reasonPermanent, "is not a file"},
		"not executable":                {"", command(plain), reasonPermanent, "chmod +x"},
		"not a program":                 {"", command(garbage), reasonStart, "exec format error"},
		"another version":               {"wrong-version", nil, reasonPermanent, "version 99"},
		"noise on stdout":               {"noise", nil, reasonPermanent, "hello, I am printed too early"},
		"wrong cookie":                  {"wrong-cookie", nil, reasonStart, "name it in the gateway's configuration"},
		"exit at start":                 {"exit-at-start", nil, reasonStart, "exit status 7: can't find my teapot"},
		"panic at start":                {"panic-at-start", nil, reasonStart, "panic: bad morning"},
		"hang in handshake":             {"hang-handshake", quickStart, reasonStart, "not ready after"},
		"no server after the handshake": {"half-handshake", quickStart, reasonStart, "not ready after"},
	} {
		t.Run(name, func(t *testing.T) {
			change := tc.change
			if change == nil {
				change = func(*Options) {}
			}
			r := run(t, tc.modes, change, func(o *Options) { o.CrashBudget = 2 })
			st := r.until("quarantined", func(s Status) bool { return s.State == StateQuarantined })
			if st.Reason != tc.reason || !strings.Contains(st.LastError, tc.text) {
				t.Errorf("reason %s: %s", st.Reason, st.LastError)
			}
			if err := r.Wait(r.ctx()); !errors.Is(err, ErrNotReady) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("waiting: %v", err)
			}
		})
	}
}

func quickStart(o *Options) { o.StartTimeout = 300 * time.Millisecond }

func TestRestartEndsQuarantine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late")
	r := run(t, "", func(o *Options) { o.Command = path })
	r.until("quarantined", func(s Status) bool { return s.State == StateQuarantined })
	if err := os.Symlink(hostilePath, path); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "restart is accepted", func() bool { r.Restart(); return r.Status().State != StateQuarantined })
	r.ready()
}

func TestPermanentErrorIsRetried(t *testing.T) {
	path := filepath.Join(t.TempDir(), "late")
	r := run(t, "", func(o *Options) { o.Command, o.PermanentRetry = path, 20*time.Millisecond })
	r.until("quarantined", func(s Status) bool { return s.State == StateQuarantined })
	if err := os.Symlink(hostilePath, path); err != nil {
		t.Fatal(err)
	}
	r.until("ready", Status.Serving)
}

func TestProcessDiesDuringDeliver(t *testing.T) {
	for name, tc := range map[string]struct{ fault, text string }{
		"crash":  {"/crash", "panic: hostile crash"},
		"exit":   {"/exit", "exit status 9"},
		"freeze": {"/freeze", "health checks"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, "", func(o *Options) { o.LivenessTimeout, o.LivenessMisses = 100*time.Millisecond, 2 })
			_, err := r.Configure(r.ctx(), &pluginpb.ChannelConfig{Name: "c", Settings: []byte(`{"greeting":"again"}`)})
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.Deliver(r.ctx(), send(t, tc.fault, "k"))
			died, ok := errors.AsType[*DiedError](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if !died.Alone || !strings.Contains(died.Text, tc.text) || died.Name != "hostile" {
				t.Errorf("died %+v", died)
			}
			res, err := r.receiveAt(r.ctx(), "/x", "")
			if err != nil || string(res.GetAnswer().GetBody()) != "again" {
				t.Errorf("the next process is not configured: %v %v", res, err)
			}
			if st := r.Status(); st.Instance != 2 || st.Restarts != 1 {
				t.Errorf("status %+v", st)
			}
		})
	}
}

func TestDeliverIsNotRepeatedAfterAKill(t *testing.T) {
	r := run(t, "")
	r.ready()
	s := r.session.Load()
	failed := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := r.Deliver(r.ctx(), send(t, "/wait", "k"))
			failed <- err
		}()
	}
	waitFor(t, "both calls are sent", func() bool { return s.deliver.sentCount() == 2 })
	if err := syscall.Kill(r.Status().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		died, ok := errors.AsType[*DiedError](<-failed)
		if !ok || died.Alone || !strings.Contains(died.Text, "killed") {
			t.Errorf("died %+v", died)
		}
	}
	r.until("ready again", func(s Status) bool { return s.Instance == 2 && s.Serving() })
}

func TestReceiveIsRepeatedOnceAfterACrash(t *testing.T) {
	r := run(t, "")
	r.ready()
	s := r.session.Load()
	got := make(chan error, 1)
	go func() {
		_, err := r.receiveAt(r.ctx(), "/second", "")
		got <- err
	}()
	waitFor(t, "the call is sent", func() bool { return s.receive.sentCount() == 1 })
	if err := syscall.Kill(r.Status().PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Errorf("the call was not repeated: %v", err)
	}
	_, err := r.receiveAt(r.ctx(), "/crash", "")
	if _, ok := errors.AsType[*DiedError](err); !ok {
		t.Errorf("a call that always crashes: %v", err)
	}
	r.until("ready", Status.Serving)
	if g := r.Status().Instance; g != 4 {
		t.Errorf("instance %d, so the crashing call ran %d times", g, g-2)
	}
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
	for range 3 {
		if _, err := r.Deliver(r.ctx(), send(t, "/exit", "k")); err == nil {
			t.Fatal("the process is alive")
		}
	}
	st := r.until("quarantined", func(s Status) bool { return s.State == StateQuarantined })
	if st.Reason != reasonExited || st.Instance != 3 {
		t.Errorf("status %+v", st)
	}
	waitFor(t, "restart is accepted", func() bool { r.Restart(); return r.Status().State != StateQuarantined })
	r.ready()
	if _, err := r.Deliver(r.ctx(), send(t, "/exit", "k")); err == nil {
		t.Fatal("the process is alive")
	}
	r.until("quarantined by one crash in the trial", func(s Status) bool { return s.State == StateQuarantined })
}

func TestCrashesLeaveNothingBehind(t *testing.T) {
	r := run(t, "", func(o *Options) { o.CrashBudget = 1000 })
	crash := func(n int) {
		for range n {
			if _, err := r.Deliver(r.ctx(), send(t, "/exit", "k")); err == nil {
				t.Fatal("the process is alive")
			}
		}
		r.ready()
	}
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	crash(2)
	files, routines := descriptors(), runtime.NumGoroutine()
	crash(20)
	waitFor(t, "descriptors and goroutines are back", func() bool {
		return descriptors() <= files+1 && runtime.NumGoroutine() <= routines+2
	})
	left, err := os.ReadDir(filepath.Join(r.dir, "hostile"))
	if err != nil || len(left) != 1 {
		t.Errorf("%d socket folders, %v", len(left), err)
	}
}

func TestGrandchildrenDoNotDelayTheStop(t *testing.T) {
	for _, mode := range []string{"grandchild", "grandchild-far"} {
		t.Run(mode, func(t *testing.T) {
			pidfile := filepath.Join(t.TempDir(), "pid")
			r := run(t, mode, func(o *Options) { o.Env = append(o.Env, "HOSTILE_PIDFILE="+pidfile) })
			r.ready()
			b, err := os.ReadFile(pidfile)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(string(b))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			r.stop()
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("stop took %s", d)
			}
			if mode == "grandchild-far" { // not in the group, but it must not delay the stop
				_ = syscall.Kill(pid, syscall.SIGKILL)
				return
			}
			waitFor(t, "the grandchild is gone", func() bool { return !alive(pid) })
		})
	}
}

// alive reports whether a process runs; a zombie does not.
func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func TestStopIsBounded(t *testing.T) {
	for name, tc := range map[string]struct {
		modes string
		do    func(r *running)
	}{
		"idle":            {"", func(*running) {}},
		"frozen":          {"", func(r *running) { _ = syscall.Kill(r.Status().PID, syscall.SIGSTOP) }},
		"ignores SIGTERM": {"ignore-sigterm", func(*running) {}},
		"hangs in drain":  {"hang-drain", func(*running) {}},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, tc.modes, func(o *Options) { o.DrainTimeout, o.StopTimeout = 500*time.Millisecond, 500*time.Millisecond })
			r.ready()
			pid := r.Status().PID
			tc.do(r)
			began := time.Now()
			r.stop()
			if d := time.Since(began); d > 10*time.Second {
				t.Errorf("stop took %s", d)
			}
			if alive(pid) {
				t.Error("the process is alive")
			}
		})
	}
}

func TestStopWhileStarting(t *testing.T) {
	for _, mode := range []string{"hang-handshake", "half-handshake", "hang-configure"} {
		t.Run(mode, func(t *testing.T) {
			r := run(t, mode, func(o *Options) { o.StartTimeout = time.Hour })
			if mode == "hang-configure" {
				r.storeChannel(&pluginpb.ChannelConfig{Name: "c"})
			}
			r.until("starting", func(s Status) bool { return s.State == StateStarting || s.State == StateConfiguring })
			r.stop()
		})
	}
}

func TestDrainLetsCallsFinish(t *testing.T) {
	r := run(t, "", func(o *Options) { o.DrainTimeout = waitLimit })
	r.ready()
	done := make(chan error, 1)
	go func() {
		res, err := r.Deliver(r.ctx(), send(t, "/second", "k"))
		if err == nil && res.GetError() != nil {
			err = errors.New(res.GetError().GetText())
		}
		done <- err
	}()
	r.logs.find(t, "hostile call begins", nil) // the adapter has read the call
	r.stop()
	if err := <-done; err != nil {
		t.Errorf("the call did not finish: %v", err)
	}
}

func TestSIGTERMToTheAdapterDrains(t *testing.T) {
	r := run(t, "")
	r.ready()
	done := make(chan error, 1)
	go func() {
		res, err := r.Deliver(r.ctx(), send(t, "/second", "k"))
		if err == nil && res.GetError() != nil {
			err = errors.New(res.GetError().GetText())
		}
		done <- err
	}()
	r.logs.find(t, "hostile call begins", nil) // the adapter has read the call
	if err := syscall.Kill(r.Status().PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("the call did not finish: %v", err)
	}
	r.until("replaced", func(s Status) bool { return s.Instance == 2 && s.Serving() })
}

func TestAdaptersLogIsForwarded(t *testing.T) {
	r := run(t, "bad-log,stray")
	if _, err := r.Configure(r.ctx(), &pluginpb.ChannelConfig{Name: "c"}); err != nil {
		t.Fatal(err)
	}
	rec := r.logs.find(t, "hostile warning", nil)
	if rec["level"] != "WARN" || rec["n"] != "1.5" {
		t.Errorf("record %v", rec)
	}
	r.logs.find(t, "stray output", func(m map[string]string) bool {
		return m["stream"] == "stdout" && m["text"] == "printed by accident"
	})
	r.logs.find(t, "stray output", func(m map[string]string) bool { return m["truncated"] == "true" })
}

func TestFloodOfLogsIsLimited(t *testing.T) {
	r := run(t, "flood")
	r.ready()
	rec := r.logs.find(t, "adapter's log lines dropped: rate limit", nil)
	if n, err := strconv.Atoi(rec["lines"]); err != nil || n < 1 {
		t.Errorf("record %v", rec)
	}
}

func TestKilledGatewayLeavesNoAdapter(t *testing.T) {
	host := exec.Command(os.Args[0])
	host.Env = append(os.Environ(), hostEnv+"="+hostilePath)
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the host printed %q", line)
	}
	if !alive(pid) {
		t.Fatal("the adapter does not run")
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	waitFor(t, "the adapter is gone", func() bool { return !alive(pid) })
}
