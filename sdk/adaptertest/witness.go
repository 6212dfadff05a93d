package adaptertest

import (
	"slices"
	"strings"
	"sync"
)

// minSecret is the least length of a secret that is searched for; shorter ones are in too many words.
const minSecret = 6

// witness hears everything that an adapter says in places where no secret may be. It is safe for concurrent use.
type witness struct {
	said *transcript

	mu      sync.Mutex
	secrets []string
	leaks   map[string]bool // places where a secret was heard
}

func newWitness() *witness { return &witness{said: &transcript{}, leaks: map[string]bool{}} }

// know adds secrets to listen for.
func (w *witness) know(secrets ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= minSecret && !slices.Contains(w.secrets, s) {
			w.secrets = append(w.secrets, s)
		}
	}
}

// hear listens to texts that were said in a place.
func (w *witness) hear(place string, texts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range texts {
		if w.tells(t) {
			w.leaks[place] = true
		}
	}
}

// tells reports whether a text has a secret in it. The lock is held.
func (w *witness) tells(text string) bool {
	return slices.ContainsFunc(w.secrets, func(s string) bool { return strings.Contains(text, s) })
}

// leaked returns the places where a secret was heard, of those that begin with prefix.
func (w *witness) leaked(prefix string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for place := range w.leaks {
		if strings.HasPrefix(place, prefix) {
			out = append(out, place)
		}
	}
	slices.Sort(out)
	return out
}

// printed reports whether a secret was printed.
func (w *witness) printed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.tells(w.said.String())
}
