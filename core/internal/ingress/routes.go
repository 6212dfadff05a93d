package ingress

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Table is a routing table. The mux only matches paths, and endpoints has the endpoint of each pattern.
type Table struct {
	mux        *http.ServeMux
	endpoints  map[string]*Endpoint // by pattern with prefix
	incomplete bool
	requests   sync.WaitGroup
}

// Table returns a routing table for Use. incomplete means that the paths of some channels are unknown. Then a request
// on an unknown path gets 503, so that the vendor repeats it. Table fails if a path is malformed or conflicts with
// another path.
func (h *Handler) Table(endpoints []Endpoint, incomplete bool) (t *Table, err error) {
	defer func() { // ServeMux panics if patterns conflict
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("paths conflict: %v", p)
		}
	}()
	endpoints, err = mergeEndpoints(endpoints)
	if err != nil {
		return nil, err
	}
	h.shareAdmission(endpoints)
	t = &Table{mux: http.NewServeMux(), endpoints: map[string]*Endpoint{}, incomplete: incomplete}
	for i := range endpoints {
		ep := &endpoints[i]
		t.mux.Handle(ep.path(), http.NotFoundHandler())
		t.endpoints[ep.path()] = ep
	}
	return t, nil
}

// Use routes all further requests by a table. It returns the former table. Requests in progress keep the former one.
func (h *Handler) Use(t *Table) (former *Table) {
	h.mu.Lock()
	defer h.mu.Unlock()
	former, h.table = h.table, t
	if former != nil {
		t.requests.Add(1)
		go func() { former.Wait(); t.requests.Done() }()
	}
	return former
}

// Wait waits for the requests of a table that Use has replaced, and for those of all earlier tables, because one plugin
// process can serve several tables in succession.
func (t *Table) Wait() { t.requests.Wait() }

// enter returns the table for a request. The caller calls requests.Done when the request has ended.
func (h *Handler) enter() *Table {
	h.mu.RLock()
	defer h.mu.RUnlock()
	h.table.requests.Add(1)
	return h.table
}

// path returns the endpoint's pattern with the channel's prefix.
func (ep *Endpoint) path() string { return ep.Prefix + ep.Pattern }

// route returns the endpoint for a URL, and the escaped path that matches it. It removes repeated slashes at the start
// of the path or after a channel's prefix. If the path then matches no endpoint, it tries the path without its trailing
// slash. Other unclean paths match no endpoint: http.ServeMux would redirect them, and vendors do not follow redirects.
// If ok is false, the endpoint is only for the form of the refusal.
func (t *Table) route(u *url.URL) (ep *Endpoint, path string, ok bool) {
	path = "/" + strings.TrimLeft(u.EscapedPath(), "/")
	if strings.Contains(path, "//") {
		path = t.trimAfterPrefix(path)
	}
	if ep := t.match(path); ep != nil {
		return ep, path, true
	}
	if short := strings.TrimSuffix(path, "/"); short != "" && short != path {
		if ep := t.match(short); ep != nil {
			return ep, short, true
		}
	}
	return t.nearest(path), path, false
}

// trimAfterPrefix removes repeated slashes after a channel's prefix.
func (t *Table) trimAfterPrefix(path string) string {
	for _, ep := range t.endpoints {
		if rest, found := strings.CutPrefix(path, ep.Prefix+"//"); found && ep.Prefix != "" {
			return ep.Prefix + "/" + strings.TrimLeft(rest, "/")
		}
	}
	return path
}

// match returns the endpoint whose pattern matches a clean escaped path, or nil.
func (t *Table) match(escaped string) *Endpoint {
	path, err := url.PathUnescape(escaped)
	if err != nil || strings.Contains(path, "//") || strings.Contains(path+"/", "/./") ||
		strings.Contains(path+"/", "/../") {
		return nil
	}
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: path, RawPath: escaped}}
	_, pattern := t.mux.Handler(r)
	return t.endpoints[pattern]
}

// nearest returns the endpoint that shares the most segments with a path, for the form of a refusal. It returns an
// empty endpoint if no endpoint shares a segment, or if endpoints of several adapters share the same number.
func (t *Table) nearest(path string) *Endpoint {
	none := &Endpoint{}
	best, most := none, 0
	for _, ep := range t.endpoints {
		switch n := sharedSegments(ep.path(), path); {
		case n > most:
			best, most = ep, n
		case n == most && n > 0 && ep.Adapter != best.Adapter:
			best = none
		case n == most && n > 0 && ep.path() < best.path(): // the same endpoint on each call
			best = ep
		}
	}
	return best
}

// sharedSegments returns the number of equal segments at the start of two paths.
func sharedSegments(a, b string) int {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	n := 1 // both begin with a slash
	for n < len(as) && n < len(bs) && as[n] == bs[n] && as[n] != "" {
		n++
	}
	return n - 1
}

// shareAdmission gives all endpoints of one adapter the same admission, in all tables.
func (h *Handler) shareAdmission(endpoints []Endpoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range endpoints {
		ep := &endpoints[i]
		if h.admissions[ep.Adapter] == nil {
			h.admissions[ep.Adapter] = newAdmission(h.Concurrency, h.BodyBytes)
		}
		ep.admission = h.admissions[ep.Adapter]
		ep.admission.bodies.allow(ep.MaxBody)
	}
}

// mergeEndpoints merges the endpoints of one adapter that share a path.
func mergeEndpoints(endpoints []Endpoint) ([]Endpoint, error) {
	var out []Endpoint
	for _, ep := range endpoints {
		if ep.MaxBody <= 0 {
			ep.MaxBody = defaultMaxBody
		}
		i := slices.IndexFunc(out, func(o Endpoint) bool { return o.Prefix+o.Pattern == ep.Prefix+ep.Pattern })
		if i < 0 {
			ep.Channels = slices.Clone(ep.Channels)
			out = append(out, ep)
			continue
		}
		if out[i].Adapter != ep.Adapter {
			return nil, fmt.Errorf("adapters %s and %s both receive on %s: give one of their channels a path prefix",
				out[i].Adapter, ep.Adapter, ep.Prefix+ep.Pattern)
		}
		out[i].Channels = append(out[i].Channels, ep.Channels...)
		out[i].MaxBody = max(out[i].MaxBody, ep.MaxBody)
	}
	return out, nil
}
