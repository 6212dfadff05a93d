package conformance

import (
	"slices"
	"strings"
	"sync"
)

// minSecret is the minimum length of a secret that the suite searches for. Shorter texts are part of many words.
const minSecret = 6

// witness records the places where an adapter reveals a secret or a customer's text. It is safe for concurrent use.
type witness struct {
	output capturedOutput

	mu      sync.Mutex
	secrets []string
	leaked  []string // places where a secret was found
	exposed []string // places where a customer's text was found
}

func (w *witness) addSecrets(secrets ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range secrets {
		if len(s) >= minSecret && !slices.Contains(w.secrets, s) {
			w.secrets = append(w.secrets, s)
		}
	}
}

func (w *witness) inspect(place string, texts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range texts {
		secret := slices.ContainsFunc(w.secrets, func(s string) bool { return strings.Contains(t, s) })
		if secret && !slices.Contains(w.leaked, place) {
			w.leaked = append(w.leaked, place)
		}
		if strings.Contains(t, customerText) && !slices.Contains(w.exposed, place) {
			w.exposed = append(w.exposed, place)
		}
	}
}
