package plugin

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

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
			if mode == "grandchild-far" { // the process is not in the group, and must not delay the stop
				_ = syscall.Kill(pid, syscall.SIGKILL)
				return
			}
			waitFor(t, "the grandchild is gone", func() bool { return !isRunning(pid) })
		})
	}
}

// isRunning reports whether a process is running. A zombie is not.
func isRunning(pid int) bool {
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
		do    func(r *runningHost)
	}{
		"idle":            {"", func(*runningHost) {}},
		"frozen":          {"", func(r *runningHost) { _ = syscall.Kill(r.Status().PID, syscall.SIGSTOP) }},
		"ignores SIGTERM": {"ignore-sigterm", func(*runningHost) {}},
		"hangs in drain":  {"hang-drain", func(*runningHost) {}},
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
			if isRunning(pid) {
				t.Error("the process is alive")
			}
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
	r.waitFor("replaced", func(s Status) bool { return s.Instance == 2 && s.AcceptsCalls() })
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
	if !isRunning(pid) {
		t.Fatal("the adapter does not run")
	}
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait()
	waitFor(t, "the adapter is gone", func() bool { return !isRunning(pid) })
}
