package lane

import (
	"errors"
	"testing"

	"patchbay/core/internal/delivery"
	"patchbay/core/internal/plugin"
)

// TestBlame convicts a delivery after two deaths alone in the process, after four beside webhooks, and never for
// deaths that other deliveries could have caused.
func TestBlame(t *testing.T) {
	for name, tt := range map[string]struct {
		died    error
		running int // other deliveries in flight
		deaths  int
		want    bool
	}{
		"once alone":              {&plugin.DiedError{Alone: true}, 0, 1, false},
		"twice alone":             {&plugin.DiedError{Alone: true}, 0, 2, true},
		"thrice beside webhooks":  {&plugin.DiedError{}, 0, 3, false},
		"four beside webhooks":    {&plugin.DiedError{}, 0, 4, true},
		"always beside others":    {&plugin.DiedError{}, 1, 100, false},
		"another error each time": {errors.New("deadline"), 0, 100, false},
	} {
		t.Run(name, func(t *testing.T) {
			task := &task{job: &delivery.Job{}, ch: &channel{process: &adapterState{running: tt.running}}}
			var r result
			for range tt.deaths {
				r = result{out: task.unknownOutcome("died"), err: tt.died}
				task.countCrash(&r)
			}
			if got := r.out.Result == delivery.ResultDead; got != tt.want {
				t.Errorf("given up: %v, want %v (%+v)", got, tt.want, r.out)
			}
		})
	}
}
