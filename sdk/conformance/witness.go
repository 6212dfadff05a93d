package conformance

import (
	"slices"
	"strings"
	"sync"
)

// minSecret is the least length of a secret that is searched for; shorter ones are part of many words.
const minSecret = 6

// witness collects everything that an adapter says where no secret and no customer's text may be. It is safe for
// concurrent use.
type witness struct {
	said *transcript

	mu      sync.Mutex
	secrets []string
	leaked  map[string]bool // places where a secret was heard
	exposed map[string]bool // places where a customer's text was heard
}

func newWitness() *witness {
	return &witness{said: &transcript{}, leaked: map[string]bool{}, exposed: map[string]bool{}}
}

func (w *witness) know(secrets ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= minSecret && !slices.Contains(w.secrets, s) {
			w.secrets = append(w.secrets, s)
		}
	}
}

func (w *witness) hear(place string, texts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range texts {
		w.leaked[place] = w.leaked[place] || w.isSecret(t)
		w.exposed[place] = w.exposed[place] || strings.Contains(t, customerText)
	}
}

// isSecret reports whether a text has a secret in it. The lock is held.
func (w *witness) isSecret(text string) bool {
	return slices.ContainsFunc(w.secrets, func(s string) bool { return strings.Contains(text, s) })
}

// heardIn returns the places among heard that begin with one of prefixes.
func (w *witness) heardIn(heard map[string]bool, prefixes ...string) (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for place, found := range heard {
		if found && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(place, p) }) {
			out = append(out, place)
		}
	}
	slices.Sort(out)
	return out
}

func (w *witness) printed() bool {
	text := w.said.String()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.isSecret(text)
}
