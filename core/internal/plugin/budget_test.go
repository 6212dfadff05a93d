package plugin

import (
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	type end struct {
		after  time.Duration // since the last end
		uptime time.Duration
		reason string
		min    time.Duration // of the wait
		max    time.Duration
		locked bool
	}
	const ms, s, m = time.Millisecond, time.Second, time.Minute
	for name, ends := range map[string][]end{
		"first crash is free, then it backs off": {
			{0, 10 * s, reasonExited, 0, 0, false},
			{s, s, reasonExited, 200 * ms, 400 * ms, false},
			{s, s, reasonExited, 400 * ms, 800 * ms, false},
		},
		"a failed start waits at once": {{0, 0, reasonStart, 100 * ms, 200 * ms, false}},
		"five in two minutes": {
			{0, s, reasonExited, 0, 0, false}, {s, s, reasonLiveness, 0, m, false}, {s, s, reasonStream, 0, m, false},
			{s, 0, reasonStart, 0, m, false}, {s, s, reasonExited, 5 * m, 5 * m, true},
			{6 * m, s, reasonExited, 5 * m, 5 * m, true}, // the one try failed
		},
		"slow crashes never lock, and the wait has a limit": {
			{0, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false},
			{m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false},
			{m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 0, m, false}, {m, 0, reasonStart, 15 * s, 30 * s, false},
		},
		"a healthy time clears": {
			{0, s, reasonExited, 0, 0, false}, {s, s, reasonExited, 200 * ms, 400 * ms, false}, {2 * m, m, reasonExited, 0, 0, false},
		},
		"permanent": {{0, 0, reasonPermanent, 30 * s, 30 * s, true}, {30 * s, 0, reasonPermanent, 30 * s, 30 * s, true}},
		"a healthy time after permanent clears": {
			{0, 0, reasonPermanent, 30 * s, 30 * s, true}, {2 * m, 2 * m, reasonExited, 0, 0, false},
		},
		"requested is free": {{0, s, reasonRequested, 0, 0, false}, {s, s, reasonRequested, 0, 0, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var o Options
			o.setDefaults()
			b := budget{opts: &o}
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, e := range ends {
				now = now.Add(e.after)
				v := b.after(now, e.reason, e.uptime)
				if v.wait < e.min || v.wait > e.max || v.quarantine != e.locked {
					t.Errorf("end %d: wait %s, quarantine %v", i+1, v.wait, v.quarantine)
				}
			}
		})
	}
}
