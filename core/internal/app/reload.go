package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/delivery"
	"patchbay/core/internal/ingress"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/subscription"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/writer"
)

// components are the parts of the gateway that a reload changes.
type components struct {
	writer        *writer.Writer
	engine        *delivery.Engine
	ingress       *ingress.Handler
	subscriptions *subscription.Set
	metrics       *telemetry.Metrics
	config        *telemetry.Config
	plugins       *plugin.Metrics
	sockets       string // folder for plugin processes
}

// reloads serializes reloads.
type reloads struct {
	mu       sync.Mutex // held during a reload; guards the next three fields
	inForce  *revision
	count    int
	stopped  bool
	ctx      context.Context // ends when the gateway stops
	cancel   context.CancelFunc
	retiring sync.WaitGroup // processes of former revisions
}

func (r *reloads) start() { r.ctx, r.cancel = context.WithCancel(context.Background()) }

// stop aborts the running reload and refuses further ones.
func (r *reloads) stop() {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
}

// errStopping means that the gateway stops.
var errStopping = errors.New("the gateway is stopping")

// Reload reads the configuration and puts it into force, in place of the former one. If that is not possible, nothing
// changes. With req.DryRun, it only reports the changes. Otherwise it also logs and counts the result. Only one reload
// runs at a time.
func (a *App) Reload(ctx context.Context, req admin.ReloadRequest) *admin.Reload {
	a.reloads.mu.Lock()
	defer a.reloads.mu.Unlock()
	out := &admin.Reload{Revision: a.reloads.inForce.number}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(a.reloads.ctx, cancel)()
	err := errStopping
	if !a.reloads.stopped {
		err = a.reload(ctx, req, out)
	}
	problems, refused := errors.AsType[*config.Problems](err)
	switch {
	case refused:
		out.Result = admin.ReloadRefused
		for _, p := range problems.List {
			out.Problems = append(out.Problems, p.String())
		}
	case err != nil:
		out.Result, out.Problems = admin.ReloadFailed, []string{err.Error()}
	}
	if !req.DryRun {
		a.report(out)
	}
	return out
}

// report logs and counts a reload.
func (a *App) report(r *admin.Reload) {
	for _, w := range r.Warnings {
		a.log.Warn("suspicious setting", "text", w)
	}
	switch r.Result {
	case admin.ReloadApplied:
		a.log.Info("configuration in force", "revision", r.Revision, "hash", r.Hash, "changes", r.Changes,
			"effects", r.Effects, "replaced_processes", r.Replaced)
		a.parts.config.Reloaded(r.Hash, r.Revision, a.reloads.inForce.read)
	case admin.ReloadRefused:
		a.log.Error("reload refused, nothing has changed", "problems", r.Problems)
		a.parts.config.NotReloaded(telemetry.ReloadRefused)
	default:
		a.log.Error("reload failed, nothing has changed", "error", strings.Join(r.Problems, "; "))
		a.parts.config.NotReloaded(telemetry.ReloadFailed)
	}
}

// reload builds the next revision while the former one stays in force, checks it, and puts it into force. The caller
// holds the lock.
func (a *App) reload(ctx context.Context, req admin.ReloadRequest, out *admin.Reload) error {
	former := a.reloads.inForce
	cfg, cause, err := a.read(former.cfg, req)
	if cfg != nil {
		out.Hash = cfg.Hash
	}
	if err != nil {
		return err
	}
	if fixed := former.cfg.NeedRestart(cfg); len(fixed) > 0 {
		return &config.Problems{List: fixed}
	}
	next := &revision{cfg: cfg, read: time.Now()}
	a.reloads.count++
	o := *a.opts
	o.Strict = true
	sockets := filepath.Join(a.parts.sockets, "r"+strconv.Itoa(a.reloads.count))
	next.plugins = startPlugins(cfg, former, &o, sockets, a.parts.plugins)
	found := next.plugins.configure(ctx, cfg)
	next.plugins.former = nil
	for _, w := range slices.Concat(cfg.Warnings, found.Warnings) {
		out.Warnings = append(out.Warnings, w.String())
	}
	p := policy(cfg, next.plugins, a.parts.engine)
	switch err = a.previewReload(ctx, former, next, p, out); {
	case len(found.Problems) > 0:
		err = &config.Problems{List: found.Problems}
	case err == nil && req.DryRun:
		out.Result = admin.ReloadValid
	case err == nil:
		err = a.putInForce(former, next, p, cause)
	}
	if err != nil || req.DryRun {
		next.plugins.discard()
		return err
	}
	out.Result, out.Revision = admin.ReloadApplied, next.number
	a.keep(next)
	return nil
}

// conversationsPerView limits the conversations that previewReload reads in one View, because the writer's loop waits
// for it.
const conversationsPerView = 1000

// previewReload adds the changes and effects of the next revision to the result.
func (a *App) previewReload(
	ctx context.Context, former, next *revision, p *conversation.Policy, out *admin.Reload,
) error {
	var err error
	all := func(yield func(*state.Conversation) bool) {
		for at, more := uint64(0), true; more && err == nil; more = at != 0 {
			var page []*state.Conversation
			err = a.parts.writer.View(ctx, func(s *state.State) {
				at = s.Page(at, conversationsPerView, func(c *state.Conversation) { page = append(page, c) })
			})
			for _, c := range page {
				if !yield(c) {
					return
				}
			}
		}
	}
	before := policy(former.cfg, former.plugins, nil)
	out.Changes, out.Effects = former.cfg.Changes(next.cfg), before.Effects(p, all, a.now())
	if err != nil {
		return fmt.Errorf("read the conversations: %w", err)
	}
	for name := range next.plugins.hosts {
		if !next.plugins.taken[name] && former.plugins.hosts[name] != nil {
			out.Replaced = append(out.Replaced, name)
		}
	}
	slices.Sort(out.Replaced)
	return nil
}

// putInForce puts the next revision into force. The switch is one input of the writer: the policy, the lanes, the
// routes of webhooks and the operators' view change between two inputs. Subscriptions that change stop before, so that
// their last batches are decided on under the former revision. Calls in flight end in their processes, which stop
// afterwards.
func (a *App) putInForce(former, next *revision, p *conversation.Policy, cause string) error {
	table, err := a.parts.ingress.Table(endpoints(next.cfg, next.plugins), next.plugins.lacksPaths())
	if err != nil {
		return err
	}
	lanes, subscribed := laneChannels(next.cfg, next.plugins), subscriptions(next.cfg, next.plugins)
	channels, routes := names(next.cfg)
	var restarted, changed []string
	for i := range lanes {
		l := &lanes[i]
		if !next.plugins.taken[l.Adapter] {
			restarted = append(restarted, l.Name)
		}
		if l.Changed = !former.cfg.SameSettings(next.cfg, l.Name); l.Changed {
			changed = append(changed, l.Name)
		}
	}
	a.parts.subscriptions.Suspend(subscribed)
	var formerTable *ingress.Table
	_, err = a.parts.writer.Revise(&writer.Revision{
		Policy: p, OpensPerMinute: next.cfg.Limits.OpenedPerMinute, Hash: next.cfg.Hash, Cause: cause,
		Restarted: restarted, Changed: changed,
		Applied: func(number uint64) {
			next.number = number
			a.parts.metrics.Configure(channels, routes)
			a.parts.engine.Configure(lanes)
			formerTable = a.parts.ingress.Use(table)
			a.running.Store(next.describeRunning())
		},
	})
	if err != nil {
		a.parts.subscriptions.Configure(subscriptions(former.cfg, former.plugins))
		return err
	}
	a.parts.subscriptions.Configure(subscribed)
	a.reloads.inForce = next
	a.stopUnused(former, next, formerTable)
	return nil
}

// stopUnused stops the processes that the next revision does not use, after the requests of the former one have ended.
func (a *App) stopUnused(former, next *revision, requests *ingress.Table) {
	var unused []*runningAdapter
	for name, p := range former.plugins.running {
		if next.plugins.running[name] != p {
			p.Represent(false)
			unused = append(unused, p)
		}
		if next.plugins.running[name] == nil {
			a.parts.plugins.Remove(name)
		}
	}
	for name, p := range next.plugins.running {
		if !next.plugins.taken[name] {
			p.Represent(true)
		}
	}
	a.reloads.retiring.Go(func() {
		requests.Wait()
		stopAll(unused)
	})
}
