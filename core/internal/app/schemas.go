package app

import (
	"context"
	"sync"

	"patchbay/core/internal/config"
	"patchbay/core/internal/finding"
	"patchbay/core/internal/plugin"
)

// Schemas starts all adapters of a configuration, which can have problems, and returns the JSON Schemas of their
// settings by the adapters' names. It returns a problem for each adapter that does not start.
func Schemas(ctx context.Context, cfg *config.Config, o Options) (map[string][]byte, []config.Problem) {
	plugin.SweepTemp()
	o.Strict, o.all = true, true
	p := startPlugins(cfg, nil, &o, "", nil)
	defer p.stop()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var mu sync.Mutex
	schemas, problems := map[string][]byte{}, []config.Problem{}
	var asked sync.WaitGroup
	for name, h := range p.hosts {
		asked.Go(func() {
			d, err := h.Describe(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				schemas[name] = d.GetSettingsSchema()
				return
			}
			cause := err.Error()
			if last := h.Status().LastError; last != "" {
				cause = last
			}
			problems = append(problems, cfg.Problem(finding.AdapterNotStarted, "the program could not be started: "+cause,
				"adapters", name, "command"))
		})
	}
	asked.Wait()
	config.SortProblems(problems)
	return schemas, problems
}
