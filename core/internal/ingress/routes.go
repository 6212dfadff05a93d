package ingress

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// routes builds the table of paths: endpoints of one adapter on one path become one, and below the fixed part
// of each path everything that nobody claims is refused in that adapter's shape.
func (h *Handler) routes() (mux *http.ServeMux, err error) {
	mux = http.NewServeMux()
	defer func() { // ServeMux reports patterns that conflict by a panic
		if p := recover(); p != nil {
			err = fmt.Errorf("paths conflict: %v", p)
		}
	}()
	merged, err := merge(h.Endpoints)
	if err != nil {
		return nil, err
	}
	gates := map[string]*gate{}
	for i := range merged {
		ep := &merged[i]
		if gates[ep.Adapter] == nil {
			gates[ep.Adapter] = newGate(h.Concurrency, h.BodyBytes)
		}
		ep.gate = gates[ep.Adapter]
		ep.gate.limit = max(ep.gate.limit, ep.MaxBody) // one body always fits
	}
	taken := map[string]bool{}
	for i := range merged {
		ep := &merged[i]
		path := ep.Prefix + ep.Pattern
		taken[path] = true
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h.serve(ep, w, r) })
	}
	for i := range merged {
		ep := &merged[i]
		below := fixed(ep.Prefix + ep.Pattern)
		if taken[below] || below == "/" {
			continue
		}
		taken[below] = true
		mux.HandleFunc(below, func(w http.ResponseWriter, r *http.Request) { h.notFound(ep, w, r) })
		if folder := strings.TrimSuffix(below, "/"); !taken[folder] { // else ServeMux redirects to below
			taken[folder] = true
			mux.HandleFunc(folder, func(w http.ResponseWriter, r *http.Request) { h.notFound(ep, w, r) })
		}
	}
	nobody := &Endpoint{}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.notFound(nobody, w, r) })
	return mux, nil
}

func (h *Handler) notFound(ep *Endpoint, w http.ResponseWriter, r *http.Request) {
	h.refuse(ep, w, r, &refusal{status: http.StatusNotFound, reason: "path", text: "no channel receives on this path"})
	h.Observer.Answered(ep.Adapter, http.StatusNotFound, 0)
}

// merge joins the endpoints of one adapter that share a path.
func merge(eps []Endpoint) ([]Endpoint, error) {
	var out []Endpoint
	for _, ep := range eps {
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

// fixed returns the part of a path before its first wildcard, or its folder.
func fixed(path string) string {
	if i := strings.IndexByte(path, '{'); i >= 0 {
		path = path[:i]
	}
	return path[:strings.LastIndexByte(path, '/')+1]
}
