package plugin

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

func TestProcessEndsDuringDeliver(t *testing.T) {
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
			died, ok := errors.AsType[*BrokeError](err)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if died.Weight != WeightCertain || died.Fault != FaultDied || !strings.Contains(died.Text, tc.text) || died.Name != "hostile" {
				t.Errorf("died %+v", died)
			}
			res, err := r.receiveAt(r.ctx(), "/x", "")
			if err != nil || string(res.GetResponse().GetBody()) != "again" {
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
		died, ok := errors.AsType[*BrokeError](<-failed)
		if !ok || died.Weight != WeightNone || !strings.Contains(died.Text, "killed") {
			t.Errorf("died %+v", died)
		}
	}
	r.waitFor("ready again", func(s Status) bool { return s.Instance == 2 && s.AcceptsCalls() })
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
	if _, ok := errors.AsType[*BrokeError](err); !ok {
		t.Errorf("a call that always crashes: %v", err)
	}
	r.waitFor("ready", Status.AcceptsCalls)
	if g := r.Status().Instance; g != 4 {
		t.Errorf("instance %d, so the crashing call ran %d times", g, g-2)
	}
}

func TestCrashesLeakNoResources(t *testing.T) {
	r := run(t, "", func(o *Options) { o.CrashBudget = 1000 })
	crash := func(n int) {
		for range n {
			if _, err := r.Deliver(r.ctx(), send(t, "/exit", "k")); err == nil {
				t.Fatal("the process is alive")
			}
			if _, err := r.Deliver(r.ctx(), send(t, "hello", "k")); err != nil { // so that only the calls are blamed
				t.Fatal(err)
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
