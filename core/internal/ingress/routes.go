package ingress

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// routes returns the routing table. Requests below the fixed part of an endpoint's path that match no endpoint are
// refused with that adapter's template.
func (h *Handler) routes() (mux *http.ServeMux, err error) {
	mux = http.NewServeMux()
	defer func() { // ServeMux panics if patterns conflict
		if p := recover(); p != nil {
			err = fmt.Errorf("paths conflict: %v", p)
		}
	}()
	endpoints, err := mergeEndpoints(h.Endpoints)
	if err != nil {
		return nil, err
	}
	h.shareAdmission(endpoints)
	routed := map[string]bool{}
	for i := range endpoints {
		ep := &endpoints[i]
		path := ep.Prefix + ep.Pattern
		routed[path] = true
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h.serve(ep, w, r) })
	}
	for i := range endpoints {
		ep := &endpoints[i]
		folder := fixedFolder(ep.Prefix + ep.Pattern)
		if routed[folder] || folder == "/" {
			continue
		}
		// ServeMux would redirect a path without the trailing slash.
		for _, path := range []string{folder, strings.TrimSuffix(folder, "/")} {
			if !routed[path] {
				routed[path] = true
				mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { h.notFound(ep, w, r) })
			}
		}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.notFound(&Endpoint{}, w, r) })
	return mux, nil
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
		ep.admission.maxBytes = max(ep.admission.maxBytes, ep.MaxBody) // one body always fits
	}
}

func (h *Handler) notFound(ep *Endpoint, w http.ResponseWriter, r *http.Request) {
	h.refuse(ep, w, r, &refusal{status: http.StatusNotFound, reason: "path", text: "no channel receives on this path"})
	h.Observer.Responded(ep.Adapter, http.StatusNotFound, 0)
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

// fixedFolder returns the longest folder at the start of path that has no wildcard, with a trailing slash.
func fixedFolder(path string) string {
	if i := strings.IndexByte(path, '{'); i >= 0 {
		path = path[:i]
	}
	return path[:strings.LastIndexByte(path, '/')+1]
}
