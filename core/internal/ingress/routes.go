package ingress

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// routes builds the routing table: the mux only matches paths, and endpoints has the endpoint of each pattern.
func (h *Handler) routes() (err error) {
	defer func() { // ServeMux panics if patterns conflict
		if p := recover(); p != nil {
			err = fmt.Errorf("paths conflict: %v", p)
		}
	}()
	endpoints, err := mergeEndpoints(h.Endpoints)
	if err != nil {
		return err
	}
	h.shareAdmission(endpoints)
	h.mux, h.endpoints = http.NewServeMux(), map[string]*Endpoint{}
	for i := range endpoints {
		ep := &endpoints[i]
		h.mux.Handle(ep.path(), http.NotFoundHandler())
		h.endpoints[ep.path()] = ep
	}
	return nil
}

// path returns the endpoint's pattern with the channel's prefix.
func (ep *Endpoint) path() string { return ep.Prefix + ep.Pattern }

// route returns the endpoint for a URL, and the escaped path that matches it. It removes repeated slashes at the start
// of the path or after a channel's prefix. If the path then matches no endpoint, it tries the path without its trailing
// slash. Other unclean paths match no endpoint: http.ServeMux would redirect them, and vendors do not follow redirects.
// If ok is false, the endpoint only has the form of the refusal.
func (h *Handler) route(u *url.URL) (ep *Endpoint, path string, ok bool) {
	path = "/" + strings.TrimLeft(u.EscapedPath(), "/")
	if strings.Contains(path, "//") {
		path = h.trimAfterPrefix(path)
	}
	if ep := h.match(path); ep != nil {
		return ep, path, true
	}
	if short := strings.TrimSuffix(path, "/"); short != "" && short != path {
		if ep := h.match(short); ep != nil {
			return ep, short, true
		}
	}
	return h.nearest(path), path, false
}

// trimAfterPrefix removes repeated slashes after a channel's prefix.
func (h *Handler) trimAfterPrefix(path string) string {
	for _, ep := range h.endpoints {
		if rest, found := strings.CutPrefix(path, ep.Prefix+"//"); found && ep.Prefix != "" {
			return ep.Prefix + "/" + strings.TrimLeft(rest, "/")
		}
	}
	return path
}

// match returns the endpoint whose pattern matches a clean escaped path, or nil.
func (h *Handler) match(escaped string) *Endpoint {
	path, err := url.PathUnescape(escaped)
	if err != nil || strings.Contains(path, "//") || strings.Contains(path+"/", "/./") ||
		strings.Contains(path+"/", "/../") {
		return nil
	}
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: path, RawPath: escaped}}
	_, pattern := h.mux.Handler(r)
	return h.endpoints[pattern]
}

// nearest returns the endpoint that shares the most segments with a path, for the form of a refusal. It returns an
// empty endpoint if no endpoint shares a segment, or if endpoints of several adapters share the same number.
func (h *Handler) nearest(path string) *Endpoint {
	none := &Endpoint{}
	best, most := none, 0
	for _, ep := range h.endpoints {
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

// shareAdmission gives all endpoints of one adapter the same admission.
func (h *Handler) shareAdmission(endpoints []Endpoint) {
	byAdapter := map[string]*admission{}
	for i := range endpoints {
		ep := &endpoints[i]
		if byAdapter[ep.Adapter] == nil {
			byAdapter[ep.Adapter] = newAdmission(h.Concurrency, h.BodyBytes)
		}
		ep.admission = byAdapter[ep.Adapter]
		ep.admission.bodies.maxBody = max(ep.admission.bodies.maxBody, ep.MaxBody)
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
