package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"patchbay/core/internal/store"
)

// check is one line of /readyz?verbose.
type check struct {
	name string
	ok   bool // false makes the gateway not ready
	text string
}

// ready answers 503 only if the gateway itself can't accept. An adapter or vendor that is away is `degraded` in
// the body: the gateway holds what is for it.
func (a *Admin) ready(w http.ResponseWriter, r *http.Request) {
	checks := a.own()
	degraded := false
	for _, c := range a.parts() {
		degraded = degraded || !c.ok
		mark := "ok"
		if !c.ok {
			mark = "degraded"
		}
		checks = append(checks, check{c.name, true, mark + ": " + c.text})
	}
	ready := !slices.ContainsFunc(checks, func(c check) bool { return !c.ok })
	status, word := http.StatusOK, "ready"
	switch {
	case !ready:
		status, word = http.StatusServiceUnavailable, "not ready"
	case degraded:
		word = "ready, degraded"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if r.URL.Query().Has("verbose") {
		for _, c := range checks {
			mark := "+"
			if !c.ok {
				mark = "-"
			}
			_, _ = fmt.Fprintf(w, "[%s] %s: %s\n", mark, c.name, c.text)
		}
	}
	_, _ = fmt.Fprintln(w, word)
}

// own are the parts that the gateway can't take anything without.
func (a *Admin) own() []check {
	listener, store := check{"listener", a.accepting.Load(), "accepting"}, check{"store", true, "writable"}
	if !listener.ok {
		listener.text = "starting or stopping"
	}
	if err := a.Writer.Writable(); err != nil {
		store.ok, store.text = false, err.Error()
	}
	return []check{listener, store}
}

// gaps says how many records are missing, and which.
func gaps(missing []store.Range) (n uint64, which string) {
	var list []string
	for _, r := range missing {
		n += r.Last - r.First + 1
		list = append(list, fmt.Sprintf("%d to %d", r.First, r.Last))
	}
	return n, strings.Join(list, ", ")
}

// parts are what can be away without harm to the rest: adapters, channels, and records that the disk has lost.
func (a *Admin) parts() []check {
	var out []check
	if n, which := gaps(a.Log.Health().Missing); n > 0 {
		out = append(out, check{"records", false, fmt.Sprintf("%d are missing from the log: %s", n, which)})
	}
	for name, h := range a.Hosts {
		s := h.Status()
		c := check{"adapter " + name, s.Serving(), string(s.State)}
		if c.ok && len(s.Sick) > 0 {
			c.text = "serves, but not all of its channels"
		}
		if s.LastError != "" && !s.Serving() {
			c.text += ", " + strings.SplitN(s.LastError, "\n", 2)[0]
		}
		out = append(out, c)
		for channel, why := range s.Sick {
			out = append(out, check{"channel " + channel, false, strings.TrimPrefix(why, "channel "+channel+": ")})
		}
	}
	for i := range a.Config.Channels {
		name := a.Config.Channels[i].Name
		if breaker, _, _, _ := a.Lanes.State(name); breaker == "open" {
			out = append(out, check{"channel " + name, false, "circuit breaker is open"})
		}
	}
	slices.SortFunc(out, func(x, y check) int { return strings.Compare(x.name, y.name) })
	return out
}
