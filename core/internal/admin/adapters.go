package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"patchbay/core/internal/plugin"
)

// Adapter is the state of an adapter's plugin process.
type Adapter struct {
	Name      string            `json:"name"`
	State     string            `json:"state"`
	Since     time.Time         `json:"since"` // start of the state
	Version   string            `json:"version,omitempty"`
	PID       int               `json:"pid,omitempty"`
	Restarts  int               `json:"restarts"`
	Reason    string            `json:"reason,omitempty"`     // why the last process ended; empty when the next is ready
	LastError string            `json:"last_error,omitempty"` // kept after recovery
	NextStart *time.Time        `json:"next_start,omitempty"`
	Unhealthy map[string]string `json:"unhealthy_channels,omitempty"` // problem by channel
	Overdue   int               `json:"overdue_calls,omitempty"`      // canceled calls that have not ended
}

func describeAdapter(name string, s plugin.Status) Adapter {
	a := Adapter{
		Name: name, State: string(s.State), Since: s.Since, Version: s.Version, PID: s.PID, Restarts: s.Restarts,
		Reason: s.Reason, LastError: s.LastError, Unhealthy: s.Unhealthy, Overdue: s.Overdue,
	}
	if !s.NextStart.IsZero() {
		a.NextStart = &s.NextStart
	}
	return a
}

// adapterList serves GET /api/adapters, sorted by name.
func (a *Admin) adapterList(w http.ResponseWriter, _ *http.Request) {
	list := []Adapter{}
	for name, h := range a.Running().Hosts {
		list = append(list, describeAdapter(name, h.Status()))
	}
	slices.SortFunc(list, func(x, y Adapter) int { return cmp.Compare(x.Name, y.Name) })
	reply(w, http.StatusOK, map[string]any{"adapters": list})
}

// adapterRestart serves POST /api/adapters/{name}/restart. It does not wait for the new instance.
func (a *Admin) adapterRestart(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	h := a.Running().Hosts[name]
	if h == nil {
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("no adapter %q; `patchbay adapter list` lists them", name)})
		return
	}
	cmd := readCommand(w, r, "adapter restart")
	if cmd == nil {
		return
	}
	h.Restart()
	a.logCommand(cmd, "adapter", name)
	reply(w, http.StatusOK, map[string]string{"adapter": name, "status": "restarting"})
}
