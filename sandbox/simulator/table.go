package simulator

import (
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Table is a map that is safe for concurrent use. The zero value is ready to use.
type Table[V any] struct {
	mu   sync.Mutex
	rows map[string]V
}

// Get returns the row of key, and whether there is one.
func (t *Table[V]) Get(key string) (V, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.rows[key]
	return v, ok
}

// Update replaces the row of key by the result of change and returns it. A missing row is the zero value.
func (t *Table[V]) Update(key string, change func(V) V) V {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.rows = map[string]V{}
	}
	v := change(t.rows[key])
	t.rows[key] = v
	return v
}

// Put stores v under key.
func (t *Table[V]) Put(key string, v V) { t.Update(key, func(V) V { return v }) }

// Logs is a set of logs by key. The zero value is ready to use.
type Logs[T any] struct{ byKey sync.Map }

// Of returns the log of key.
func (l *Logs[T]) Of(key string) *Log[T] {
	log, _ := l.byKey.LoadOrStore(key, new(Log[T]))
	return log.(*Log[T])
}

// HexID returns 24 random hexadecimal characters.
func HexID() string { return strings.ReplaceAll(uuid.NewString(), "-", "")[8:] }
