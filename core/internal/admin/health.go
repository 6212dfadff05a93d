package admin

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"patchbay/core/internal/plugin"
	"patchbay/core/internal/store"
	"patchbay/core/internal/writer"
	"patchbay/sdk/text"
)

// check is one line of /readyz?verbose.
type check struct {
	name string
	ok   bool
	text string
}

// live serves GET /livez and /healthz.
func live(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }

// ready serves GET /readyz. Only the required checks decide the status. If another check fails, the gateway is
// degraded: it keeps the messages for the failed part.
func (a *Admin) ready(w http.ResponseWriter, r *http.Request) {
	required, optional := a.requiredChecks(), append(a.optionalChecks(), a.vanishedChecks(r.Context())...)
	failed := func(c check) bool { return !c.ok }
	status, summary := http.StatusOK, "ready"
	switch {
	case slices.ContainsFunc(required, failed):
		status, summary = http.StatusServiceUnavailable, "not ready"
	case slices.ContainsFunc(optional, failed):
		summary = "ready, degraded"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	if r.URL.Query().Has("verbose") {
		for _, c := range required {
			mark := "+"
			if !c.ok {
				mark = "-"
			}
			_, _ = fmt.Fprintf(w, "[%s] %s: %s\n", mark, c.name, c.text)
		}
		for _, c := range optional {
			mark := "ok"
			if !c.ok {
				mark = "degraded"
			}
			_, _ = fmt.Fprintf(w, "[+] %s: %s: %s\n", c.name, mark, c.text)
		}
	}
	_, _ = fmt.Fprintln(w, summary)
}

// requiredChecks returns the checks that must succeed: if one fails, the gateway accepts nothing.
func (a *Admin) requiredChecks() []check {
	listener, store := check{"listener", a.accepting.Load(), "accepting"}, check{"store", true, "writable"}
	if !listener.ok {
		listener.text = "starting or stopping"
	}
	if err := a.Writer.Writable(); err != nil && !errors.Is(err, writer.ErrDraining) {
		store.ok, store.text = false, err.Error()
	}
	checks := []check{listener, store}
	select {
	case <-a.Writer.Draining():
		checks = append(checks, check{"drain", false, "an operator drains the gateway"})
	default:
	}
	return checks
}

// missingRecords returns the number of missing records and their sequences.
func missingRecords(missing []store.Range) (n uint64, sequences string) {
	var list []string
	for _, r := range missing {
		n += r.Last - r.First + 1
		list = append(list, fmt.Sprintf("%d to %d", r.First, r.Last))
	}
	return n, strings.Join(list, ", ")
}

// adapterCheck returns the check of an adapter. It fails if the adapter does not accept calls, or if a canceled call
// has not ended.
func adapterCheck(name string, s *plugin.Status) check {
	c := check{"adapter " + name, s.AcceptsCalls() && s.Overdue == 0, string(s.State)}
	if s.AcceptsCalls() && len(s.Unhealthy) > 0 {
		c.text = "serving, but some channels are unhealthy"
	}
	if s.Overdue > 0 {
		c.text += fmt.Sprintf(", canceled calls that have not ended: %d", s.Overdue)
	}
	if s.LastError != "" && !s.AcceptsCalls() {
		c.text += ", " + text.FirstLine(s.LastError)
	}
	return c
}

// optionalChecks returns the checks of parts that can fail without affecting others: adapters, channels and single
// records.
func (a *Admin) optionalChecks() []check {
	var out []check
	if n, sequences := missingRecords(a.Log.Health().Missing); n > 0 {
		out = append(out, check{"records", false, fmt.Sprintf("%d are missing from the log: %s", n, sequences)})
	}
	running := a.Running()
	for name, h := range running.Hosts {
		s := h.Status()
		out = append(out, adapterCheck(name, &s))
	}
	for i := range running.Config.Channels {
		name := running.Config.Channels[i].Name
		for _, problem := range a.channelProblems(running, name) {
			out = append(out, check{"channel " + name, false, problem})
		}
	}
	slices.SortFunc(out, func(x, y check) int { return strings.Compare(x.name, y.name) })
	return out
}
