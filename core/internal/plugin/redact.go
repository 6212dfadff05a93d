package plugin

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"patchbay/sdk/settings"
)

// Limits of redaction.
const (
	minSecret = 8 // bytes; shorter values are not redacted, because texts contain them by chance
	redacted  = "[redacted]"
)

// redactor replaces secrets in the texts of an adapter. It finds a secret as it is, escaped for a URL, and escaped for
// JSON. It also finds the beginning of a secret at the end of a text, because adapters shorten texts. The zero value
// knows no secrets. It is safe for concurrent use.
type redactor struct {
	known atomic.Pointer[knownSecrets]
	mu    sync.Mutex // serializes add
}

type knownSecrets struct {
	forms    []string // longest first
	replacer *strings.Replacer
}

// add makes the redactor replace further secrets.
func (r *redactor) add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := &knownSecrets{}
	if known := r.known.Load(); known != nil {
		next.forms = slices.Clone(known.forms)
	}
	for _, s := range secrets {
		if len(s) >= minSecret {
			next.forms = append(next.forms, s, url.QueryEscape(s), url.PathEscape(s), escapeJSON(s, true),
				escapeJSON(s, false))
		}
	}
	slices.SortFunc(next.forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	next.forms = slices.Compact(next.forms)
	pairs := make([]string, 0, 2*len(next.forms))
	for _, f := range next.forms {
		pairs = append(pairs, f, redacted)
	}
	next.replacer = strings.NewReplacer(pairs...)
	r.known.Store(next)
}

// addSettings makes the redactor replace the values that a schema marks as secret.
func (r *redactor) addSettings(schema, values []byte) {
	s, err := settings.Parse(schema)
	var object any
	if err != nil || json.Unmarshal(values, &object) != nil {
		return // the adapter does not accept such settings
	}
	r.add(secretsOf(s, object, false)...)
}

func secretsOf(s *settings.Schema, value any, secret bool) []string {
	secret = secret || s != nil && s.Secret
	var out []string
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			out = append(out, secretsOf(s.Property(name), member, secret)...)
		}
	case []any:
		for _, item := range v {
			out = append(out, secretsOf(s.Item(), item, secret)...)
		}
	case string:
		if secret {
			out = append(out, v)
		}
	}
	return out
}

// redact returns a text without secrets.
func (r *redactor) redact(text string) string {
	known := r.known.Load()
	if known == nil || len(text) < minSecret {
		return text
	}
	body, end := text, ""
	if s, shortened := strings.CutSuffix(text, "…"); shortened {
		body, end = s, "…"
	}
	if n := known.beginningAtEnd(body); n > 0 {
		body, end = body[:len(body)-n], redacted+end
	}
	return known.replacer.Replace(body) + end
}

// beginningAtEnd returns the length of the end of a text that is the beginning of a secret, or 0.
func (k *knownSecrets) beginningAtEnd(text string) int {
	for _, f := range k.forms {
		for n := min(len(f), len(text)); n >= minSecret; n-- {
			if strings.HasSuffix(text, f[:n]) {
				return n
			}
		}
	}
	return 0
}

func escapeJSON(s string, html bool) string {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(html)
	if err := enc.Encode(s); err != nil {
		return s // not possible for a string
	}
	quoted := strings.TrimSpace(out.String())
	return quoted[1 : len(quoted)-1]
}
