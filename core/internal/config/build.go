package config

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/finding"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

// build checks the values and their combinations, and makes the configuration.
func (l *loader) build(f *fileConfig) *Config {
	c := &Config{
		Listen: f.Listen.value, PublicURL: l.publicURL(&f.PublicURL),
		TrustedProxies: l.trustedProxies(&f.Proxies), Admin: Admin{Listen: f.Admin.Listen.value},
		Store: l.store(&f.Store), Media: l.media(&f.Media), Conversations: l.conversations(&f.Conversations),
		Limits:   Limits{OpenedPerMinute: f.Limits.OpenedPerMinute.value, QueueAge: f.Limits.QueueAge.value},
		Log:      Log{Level: f.Log.Level.value, Format: f.Log.Format.value},
		Shutdown: Shutdown{Delay: f.Shutdown.Delay.value},
		root:     l.root,
	}
	l.requireBetween(&f.Shutdown.Delay, 0, 5*time.Minute)
	l.checkListeners(&f.Listen, &f.Admin.Listen)
	l.oneOf(&f.Log.Level, logLevels...)
	l.oneOf(&f.Log.Format, logFormats...)
	l.require(c.Limits.OpenedPerMinute >= 0, f.Limits.OpenedPerMinute.node, "must be at least 0")
	if c.Limits.QueueAge != 0 {
		l.requireBetween(&f.Limits.QueueAge, 100*time.Millisecond, time.Hour)
	}
	l.adapters(c, &f.Adapters)
	l.channels(c, f)
	l.routes(c, &f.Routes)
	l.checkUnused(c, f)
	l.checkComments(l.root)
	return c
}

func (l *loader) store(f *fileStore) Store {
	dir := f.Dir.value
	switch {
	case dir == "":
		l.bad(finding.EmptyValue, f.Dir.node, "is empty; name the folder of the log")
	case strings.HasPrefix(dir, "~"):
		l.bad(finding.InvalidValue, f.Dir.node, "~ is not expanded; write the full path of the folder")
		fallthrough
	default:
		dir = l.filePath(dir)
	}
	l.require(f.Cap.value >= 64<<20, f.Cap.node, "must be at least 64MiB")
	return Store{Dir: dir, Cap: f.Cap.value}
}

// filePath takes a path relative to the folder of the configuration file and returns it relative to the working
// directory. An absolute path stays absolute.
func (l *loader) filePath(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	if joined := filepath.Join(l.resolver.dir, p); strings.Contains(joined, "/") {
		return joined
	}
	return "./" + filepath.Join(l.resolver.dir, p) // a command without a slash would be looked up in PATH
}

// oneOf checks that a setting has one of the values.
func (l *loader) oneOf(s *setting[string], allowed ...string) { l.oneOfOrPlanned(s, nil, allowed...) }

// oneOfOrPlanned is oneOf with planned values, which are not supported yet.
func (l *loader) oneOfOrPlanned(s *setting[string], planned []string, allowed ...string) {
	choice := "possible: " + strings.Join(allowed, ", ")
	if len(allowed) == 1 {
		choice = "the only value is " + allowed[0]
	}
	switch {
	case slices.Contains(allowed, s.value):
	case slices.Contains(planned, s.value):
		l.bad(finding.NotSupported, s.node, "%s is not supported yet; %s", s.value, choice)
	case len(allowed) == 1:
		l.bad(finding.NotSupported, s.node, "%s is not supported; %s", s.node.quote(), choice)
	default:
		l.badFor(finding.InvalidValue, s.node, route.Closest(s.value, allowed), "%s is not one of %s", s.node.quote(),
			strings.Join(allowed, ", "))
	}
}

// require reports a setting that does not satisfy a condition.
func (l *loader) require(ok bool, n *node, format string, args ...any) {
	if !ok {
		l.bad(finding.InvalidValue, n, format, args...)
	}
}

// requireBetween checks the bounds of a duration.
func (l *loader) requireBetween(s *setting[time.Duration], least, most time.Duration) {
	l.require(s.value >= least && s.value <= most, s.node, "must be from %s to %s", shortDuration(least),
		shortDuration(most))
}

// shortDuration formats a duration without trailing zero units: 15m, not 15m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (l *loader) conversations(f *fileConversations) Conversations {
	history, bounces := f.History.value, f.Bounces.value
	l.require(history >= 0 && history <= state.MaxHistory, f.History.node, "must be from 0 to %d messages",
		state.MaxHistory)
	l.require(bounces >= 0 && bounces <= state.MaxHandoverTimes, f.Bounces.node,
		"must be from 0 (no limit) to %d handovers an hour", state.MaxHandoverTimes)
	l.requireBetween(&f.CloseAfter, time.Minute, 366*24*time.Hour)
	l.oneOfOrPlanned(&f.Fenced, []string{"note"}, "drop")
	l.require(f.Language.value != "", f.Language.node, "is empty; name the attribute that has the customer's language")
	return Conversations{Owner: f.Owner.value, History: history, CloseAfter: f.CloseAfter.value,
		Bounces: bounces, Zone: l.zone(&f.Zone), Language: f.Language.value}
}
