package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
)

// ReloadRequest is the body of a reload of the configuration.
type ReloadRequest struct {
	CommandRequest
	DryRun   bool `json:"dry_run,omitempty"`  // report the changes, but do not make them
	Previous bool `json:"previous,omitempty"` // the configuration that was in force before, instead of the file
}

// Results of a reload.
const (
	ReloadApplied = "applied"
	ReloadValid   = "valid"   // a dry run found no problems
	ReloadRefused = "refused" // the configuration has problems; nothing has changed
	ReloadFailed  = "failed"  // the configuration could not be put into force; nothing has changed
)

// Reload is the result of a reload.
type Reload struct {
	Result   string               `json:"result"`
	Revision uint64               `json:"revision"` // in force after the reload
	Hash     string               `json:"hash"`     // of the file that was read, empty if it could not be read
	Problems []string             `json:"problems,omitempty"`
	Warnings []string             `json:"warnings,omitempty"`
	Changes  config.Changes       `json:"changes"`
	Effects  conversation.Effects `json:"effects"`
	Replaced []string             `json:"replaced_processes,omitempty"` // adapters that get another plugin process
}

// OK reports whether the configuration is valid or in force.
func (r *Reload) OK() bool { return r.Result == ReloadApplied || r.Result == ReloadValid }

// reloadTimeout bounds the response to a reload, which waits for new plugin processes.
const reloadTimeout = 2 * time.Minute

// reload serves POST /api/config/reload. A refused reload is a result, with status 200.
func (a *Admin) reload(w http.ResponseWriter, r *http.Request) {
	var req ReloadRequest
	cmd := decodeCommand(w, r, "reload", &req, &req.CommandRequest)
	if cmd == nil {
		return
	}
	a.logCommand(cmd, "dry_run", req.DryRun, "previous", req.Previous)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(reloadTimeout))
	// A caller that disconnects does not end the reload.
	reply(w, http.StatusOK, a.Reload(context.WithoutCancel(r.Context()), req))
}

// ConfigInForce is the response of GET /api/config.
type ConfigInForce struct {
	Revision uint64            `json:"revision"`
	Hash     string            `json:"hash"`
	Read     time.Time         `json:"read_at"`
	Vanished []VanishedChannel `json:"vanished_channels"`
}

// VanishedChannel is a removed channel whose deliveries wait for its return.
type VanishedChannel struct {
	Name       string    `json:"name"`
	Deliveries int       `json:"deliveries"`
	Until      time.Time `json:"until"` // then they become dead letters
}

// configShow serves GET /api/config.
func (a *Admin) configShow(w http.ResponseWriter, r *http.Request) {
	running := a.Running()
	out := ConfigInForce{Revision: running.Revision, Hash: running.Config.Hash, Read: running.Read}
	var err error
	if out.Vanished, err = a.vanishedChannels(r.Context()); err != nil {
		a.fail(w, "list removed channels", err)
		return
	}
	reply(w, http.StatusOK, out)
}

// vanishedWait limits the time that a health check waits for the writer.
const vanishedWait = 200 * time.Millisecond

// vanishedChecks returns a check for each removed channel with deliveries.
func (a *Admin) vanishedChecks(ctx context.Context) []check {
	ctx, cancel := context.WithTimeout(ctx, vanishedWait)
	defer cancel()
	list, _ := a.vanishedChannels(ctx) // if the writer does not respond, the check of the store fails
	var out []check
	for _, v := range list {
		out = append(out, check{"channel " + v.Name, false, fmt.Sprintf("removed from the configuration; %d deliveries wait "+
			"for its return until %s", v.Deliveries, v.Until.UTC().Format(time.RFC3339))})
	}
	return out
}

// vanishedChannels returns the removed channels with deliveries, sorted by name.
func (a *Admin) vanishedChannels(ctx context.Context) ([]VanishedChannel, error) {
	out := []VanishedChannel{}
	err := a.Writer.View(ctx, func(s *state.State) {
		for name, since := range s.Revision().Vanished {
			if n := s.QueueLength(name); n > 0 {
				out = append(out, VanishedChannel{name, n, since.Add(state.VanishedWait)})
			}
		}
	})
	slices.SortFunc(out, func(x, y VanishedChannel) int { return cmp.Compare(x.Name, y.Name) })
	return out, err
}
