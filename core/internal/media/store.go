package media

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"patchbay/core/internal/disk"
	"patchbay/sdk"
)

const (
	defaultTotalBytes = 1 << 30
	defaultKeep       = 24 * time.Hour
)

// Store caches media on disk. Its methods are safe for concurrent use.
type Store struct {
	opt     Options
	key     []byte             // signs links
	ctx     context.Context    // of all fetches
	cancel  context.CancelFunc // of ctx
	fetches sync.WaitGroup

	downloads chan struct{} // one entry per running download

	mu       sync.Mutex // guards the fields below
	closed   bool
	items    map[string]*Item             // by ID
	latest   map[digest]*Item             // newest item of each source
	order    list.List                    // all items, oldest first
	used     int64                        // bytes on disk, including files being written
	flights  map[digest]*flight           // running fetches by source
	failures map[digest]*permanentFailure // recent permanent errors by source
	limiters map[limiterKey]*limiter
}

// Open creates the folder and the signing key if necessary, loads the items of the previous run, and deletes the files
// of interrupted fetches.
func Open(o Options) (*Store, error) {
	o.MaxBytes = cmp.Or(o.MaxBytes, sdk.MaxMediaBytes)
	o.TotalBytes = cmp.Or(o.TotalBytes, defaultTotalBytes)
	o.Keep = cmp.Or(o.Keep, defaultKeep)
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observer == nil {
		o.Observer = noObserver{}
	}
	s := &Store{
		opt: o, items: map[string]*Item{}, latest: map[digest]*Item{}, flights: map[digest]*flight{},
		failures: map[digest]*permanentFailure{}, limiters: map[limiterKey]*limiter{},
		downloads: make(chan struct{}, maxDownloads),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open media in %s: %w", o.Dir, err)
	}
	return s, nil
}

func (s *Store) open() (err error) {
	o := &s.opt
	if diskSize(o.MaxBytes) > o.TotalBytes {
		return fmt.Errorf("one medium of %d bytes exceeds the limit of %d bytes for all media: raise that limit",
			o.MaxBytes, o.TotalBytes)
	}
	if err := disk.MakeFolder(o.Dir); err != nil {
		return err
	}
	if o.FreeLow == 0 {
		if o.FreeLow, err = defaultFreeLow(o.Dir); err != nil {
			return err
		}
	}
	if s.key, err = openKey(o.Dir, o.Logger); err != nil {
		return err
	}
	return s.restore()
}

// Run removes expired media until ctx ends. Then it cancels all fetches and waits for them. After that Get fails with
// ErrClosed; open items and links still work.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sweep()
		case <-ctx.Done():
			s.mu.Lock()
			s.closed = true
			s.mu.Unlock()
			s.cancel()
			s.fetches.Wait()
			return
		}
	}
}
