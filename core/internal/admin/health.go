package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	checks := []check{{"listener", a.accepting.Load(), "accepting"}}
	if !checks[0].ok {
		checks[0].text = "starting or stopping"
	}
	st := check{"store", true, "writable"}
	if err := a.Writer.Writable(); err != nil {
		st.ok, st.text = false, err.Error()
	}
	checks = append(checks, st)
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

// parts are the adapters and channels that can be away without harm to the rest.
func (a *Admin) parts() []check {
	var out []check
	for name, h := range a.Hosts {
		s := h.Status()
		c := check{"adapter " + name, s.Serving(), string(s.State)}
		if s.LastError != "" && !s.Serving() {
			c.text += ", " + strings.SplitN(s.LastError, "\n", 2)[0]
		}
		out = append(out, c)
		for channel, why := range s.Sick {
			out = append(out, check{"channel " + channel, false, why})
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
