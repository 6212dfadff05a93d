package plugin

import (
	"testing"
	"time"
)

func TestRestartBudget(t *testing.T) {
	type end struct {
		after      time.Duration // since the last end
		uptime     time.Duration
		reason     string
		min        time.Duration // of the delay
		max        time.Duration
		quarantine bool
	}
	const ms, s, m = time.Millisecond, time.Second, time.Minute
	for name, ends := range map[string][]end{
		"first crash has no delay, later ones back off": {
			{0, 10 * s, reasonExited, 0, 0, false},
			{s, s, reasonExited, 200 * ms, 400 * ms, false},
			{s, s, reasonExited, 400 * ms, 800 * ms, false},
		},
		"failed start": {{0, 0, reasonStart, 100 * ms, 200 * ms, false}},
		"five crashes in two minutes": {
			{0, s, reasonExited, 0, 0, false}, {s, s, reasonLiveness, 0, m, false}, {s, s, reasonStream, 0, m, false},
			{s, 0, reasonStart, 0, m, false}, {s, s, reasonExited, 5 * s, 5 * s, true},
			{6 * s, s, reasonExited, 10 * s, 10 * s, true}, // the trial failed
			{11 * s, s, reasonExited, 20 * s, 20 * s, true}, {m, s, reasonExited, 40 * s, 40 * s, true},
			{m, s, reasonExited, 80 * s, 80 * s, true}, {2 * m, s, reasonExited, 160 * s, 160 * s, true},
			{3 * m, s, reasonExited, 5 * m, 5 * m, true}, {6 * m, s, reasonExited, 5 * m, 5 * m, true},
		},
		"slow crashes never lead to quarantine, and the delay is limited": {
			{0, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false},
			{m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false},
			{m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 15 * s, 30 * s, false},
		},
		"a healthy uptime clears the budget": {
			{0, s, reasonExited, 0, 0, false}, {s, s, reasonExited, 200 * ms, 400 * ms, false}, {2 * m, m, reasonExited, 0, 0, false},
		},
		"permanent error": {
			{0, 0, reasonPermanent, 5 * s, 5 * s, true}, {5 * s, 0, reasonPermanent, 10 * s, 10 * s, true},
			{10 * s, 0, reasonPermanent, 20 * s, 20 * s, true}, {20 * s, 0, reasonPermanent, 30 * s, 30 * s, true},
		},
		"a healthy uptime after a permanent error clears the budget": {
			{0, 0, reasonPermanent, 5 * s, 5 * s, true}, {2 * m, 2 * m, reasonExited, 0, 0, false},
		},
		"requested restarts have no delay": {{0, s, reasonRequested, 0, 0, false}, {s, s, reasonRequested, 0, 0, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var o Options
			o.setDefaults()
			b := restartBudget{opts: &o}
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, e := range ends {
				now = now.Add(e.after)
				next := b.next(now, e.reason, ending{uptime: e.uptime})
				if next.delay < e.min || next.delay > e.max || next.quarantine != e.quarantine {
					t.Errorf("end %d: delay %s, quarantine %v", i+1, next.delay, next.quarantine)
				}
			}
		})
	}
}

func TestBlamedEndsDoNotUseTheRestartBudget(t *testing.T) {
	var o Options
	o.setDefaults()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	b := restartBudget{opts: &o}
	for i := range 100 {
		end := ending{uptime: time.Second, blamed: true, hadResult: i%2 == 0}
		if next := b.next(now, reasonExited, end); next != (restart{}) {
			t.Fatalf("end %d of an adapter that answers other calls: %+v", i+1, next)
		}
	}
	b = restartBudget{opts: &o}
	for i := range maxBlamed + 3 {
		next := b.next(now, reasonExited, ending{uptime: time.Second, blamed: true})
		if next.quarantine != (i >= maxBlamed) {
			t.Errorf("end %d of an adapter that answers no call: %+v", i+1, next)
		}
	}
}
