package main

import (
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

//go:embed web
var web embed.FS

// files are the pages and what they load, by path.
var files = map[string]struct{ name, contentType string }{
	"GET /{$}":             {"chat.html", "text/html; charset=utf-8"},
	"GET /desk":            {"desk.html", "text/html; charset=utf-8"},
	"GET /web/chat.js":     {"chat.js", "text/javascript; charset=utf-8"},
	"GET /web/desk.js":     {"desk.js", "text/javascript; charset=utf-8"},
	"GET /web/style.css":   {"style.css", "text/css; charset=utf-8"},
	"GET /web/icon.svg":    {"icon.svg", "image/svg+xml"},
	"GET /favicon.ico":     {"icon.svg", "image/svg+xml"},
	"GET /web/messages.js": {"messages.js", "text/javascript; charset=utf-8"},
	"GET /web/sample.png":  {"sample.png", "image/png"},
}

func addFiles(mux *http.ServeMux) {
	for pattern, f := range files {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			content, err := web.ReadFile("web/" + f.name)
			if err != nil {
				http.Error(w, "page is missing from the program", http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", f.contentType)
			w.Header().Set("Cache-Control", "no-cache")
			w.Write(content)
		})
	}
}

// contentPolicy lets the pages load their own files, talk to their own origin and show images of the gateway's, nothing
// else.
func contentPolicy(gateway string) string {
	images := "'self'"
	if u, err := url.Parse(gateway); err == nil && u.Host != "" && !strings.ContainsAny(u.Host, ";, ") {
		images += " " + u.Scheme + "://" + u.Host
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src " + images +
		"; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// guard adds the security headers and refuses what other sites make a browser send.
func guard(policy string, next http.Handler) http.Handler {
	headers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(headers)
}

// maxForm bounds what a page sends at once.
const maxForm = 64 << 10

// form is what the pages send.
type form struct {
	User string `json:"user"`
	Text string `json:"text"`
	Open bool   `json:"open"`
}

var errForm = errors.New("want a JSON object with user and text")

// readForm decodes a page's JSON and checks the user id.
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	var f form
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxForm)).Decode(&f); err != nil {
		return form{}, errForm
	}
	f.Text = strings.TrimSpace(f.Text)
	return f, nil
}

// validUser accepts 1 to 64 letters, digits, dashes and underscores.
func validUser(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, c := range id {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// An error here means that the page is gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(v)
}

func sendProblem(w http.ResponseWriter, status int, text string) {
	sendJSON(w, status, map[string]string{"error": text})
}
