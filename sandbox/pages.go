package main

import (
	"embed"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"patchbay/sandbox/simulator"
)

//go:embed web
var web embed.FS

// pages returns the handler of the pages and of the calls that they make.
func (s *Sandbox) pages() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /web/", http.FileServerFS(web))
	for path, name := range map[string]string{"/{$}": "chat.html", "/desk": "desk.html", "/favicon.ico": "icon.svg"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, web, "web/"+name) })
	}
	mux.HandleFunc("GET /chat/events", s.chatEvents)
	mux.HandleFunc("GET /desk/events", s.deskEvents)
	mux.HandleFunc("GET /desk/files/{id...}", s.deskFile)
	calls := simulator.NewVendor(simulator.Retry{}, nil) // used only for Endpoint
	for pattern, call := range map[string]simulator.Endpoint{
		"POST /chat/messages": simulator.JSON(s.chatMessage), "POST /chat/files": s.chatPicture,
		"POST /desk/{action}": simulator.JSON(s.deskAction), "POST /desk/files": s.deskPicture,
		"POST /faults": s.addFault, "DELETE /faults": s.clearFaults,
	} {
		mux.Handle(pattern, calls.Endpoint(pattern, call))
	}
	return guard(contentPolicy(s.o.Gateway), mux)
}

// contentPolicy allows the pages to load their own files, to call their own origin and to show images of the gateway.
func contentPolicy(gateway string) string {
	images := "'self'"
	if u, err := url.Parse(gateway); err == nil && u.Host != "" && !strings.ContainsAny(u.Host, ";, ") {
		images += " " + u.Scheme + "://" + u.Host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src " + images +
		"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// guard adds security headers and refuses cross-site requests.
func guard(policy string, next http.Handler) http.Handler {
	headers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(headers)
}

// form is the body of the pages' calls.
type form struct {
	User string `json:"user"`
	Text string `json:"text"`
	ID   string `json:"id"`
	Open bool   `json:"open"`
}

var errUser = errors.New("user: must be 1 to 64 letters, digits, dashes and underscores")

var userID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
