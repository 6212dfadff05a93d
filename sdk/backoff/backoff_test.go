package backoff

import (
	"math"
	"testing"
	"time"
)

func TestDelayDoublesUpToMax(t *testing.T) {
	p := Policy{Base: time.Second, Max: 10 * time.Second}
	for attempt, want := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
		if got := p.Delay(attempt); got != want*time.Second {
			t.Errorf("Delay(%d) = %v, want %v", attempt, got, want*time.Second)
		}
	}
}

func TestDelayBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		policy  Policy
		attempt int
		want    time.Duration
	}{
		"huge attempt":      {Policy{Base: time.Second, Max: time.Minute}, math.MaxInt, time.Minute},
		"negative attempt":  {Policy{Base: time.Second, Max: time.Minute}, -1, time.Second},
		"max below base":    {Policy{Base: time.Minute, Max: time.Second}, 3, time.Minute},
		"no overflow":       {Policy{Base: 1, Max: math.MaxInt64}, 1000, math.MaxInt64},
		"zero base":         {Policy{Max: time.Second}, 5, 0},
		"max not a doubled": {Policy{Base: 3, Max: 7}, 2, 7},
	} {
		if got := tc.policy.Delay(tc.attempt); got != tc.want {
			t.Errorf("%s: Delay(%d) = %v, want %v", name, tc.attempt, got, tc.want)
		}
	}
}

func TestJitterShortensTheDelayByItsShare(t *testing.T) {
	p := Policy{Base: time.Second, Max: time.Minute, Jitter: 0.25}
	if got := p.delay(2, 0); got != 4*time.Second {
		t.Errorf("least jitter: %v, want 4s", got)
	}
	if got := p.delay(2, 1); got != 3*time.Second {
		t.Errorf("most jitter: %v, want 3s", got)
	}
	seen := map[time.Duration]bool{}
	for range 100 {
		d := p.Delay(2)
		if d < 3*time.Second || d > 4*time.Second {
			t.Fatalf("Delay(2) = %v, want 3s to 4s", d)
		}
		seen[d] = true
	}
	if len(seen) < 2 {
		t.Error("a hundred delays with jitter are all the same")
	}
}
