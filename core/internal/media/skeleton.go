package media

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

var errNotBuilt = errors.New("not built")

func lasting(error) bool { return false }

// Store keeps media. Its methods are safe for concurrent use.
type Store struct{}

// Open makes the folder, reads or makes the key that signs links, takes up what a former run has kept, and removes
// what a crash has left.
func Open(o Options) (*Store, error) { return &Store{}, nil }

// Run removes what has expired until ctx ends; then it ends what is being read, waits for it, and returns.
func (s *Store) Run(ctx context.Context) { <-ctx.Done() }

// Get returns a medium: from disk if it was read before, else from its source. It is read once however many wait for
// it, and no longer than somebody waits; so ctx should leave the time that a large medium takes. What was read is
// kept for other callers also if limit does not allow it here.
func (s *Store) Get(ctx context.Context, req Request, limit Limit) (*Item, error) {
	return nil, errNotBuilt
}

// Item is a medium on disk.
type Item struct {
	ID string
	Info
	Expires time.Time
}

// Open opens the bytes for reading; whoever does closes them. It fails with ErrGone once the item has expired or had
// to make room.
func (i *Item) Open() (io.ReadSeekCloser, error) { return nil, errNotBuilt }

// Link returns an address on the public listener from which everybody who has it can read the item until it expires.
func (s *Store) Link(i *Item) string { return "" }

// Handler serves links, which begin with PathPrefix. Path prefixes of Options.BaseURL are not expected in requests.
func (s *Store) Handler() http.Handler { return http.NotFoundHandler() }

// PathPrefix begins the path of every link, after BaseURL.
const PathPrefix = "/media/"
