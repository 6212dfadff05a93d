package media

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"patchbay/sdk"
)

// Defaults and limits.
const (
	defaultTotalBytes = 1 << 30
	defaultKeep       = 24 * time.Hour
	sweepEvery        = time.Minute
	sweepBatch        = 64 // items removed at a time, with a pause for others between
)

// Store keeps media. Its methods are safe for concurrent use.
type Store struct {
	opt     Options
	key     []byte             // signs links
	ctx     context.Context    // of what is being read
	end     context.CancelFunc // of ctx
	running sync.WaitGroup     // flights

	downloads chan struct{} // one for each

	mu      sync.Mutex
	ended   bool
	items   map[string]*Item    // by id
	latest  map[digest]*Item    // by what they are of
	order   list.List           // of all items, oldest first
	used    int64               // bytes, with what is being written
	flights map[digest]*flight  // what is being read
	refused map[digest]*refusal // what was refused lately
	gates   map[gateKey]*gate   // what is read behind
}

// Open makes the folder, reads or makes the key that signs links, takes up what a former run has kept, and removes
// what a crash has left.
func Open(o Options) (*Store, error) {
	o.MaxBytes = cmp.Or(o.MaxBytes, sdk.MaxMediaBytes)
	o.TotalBytes = cmp.Or(o.TotalBytes, defaultTotalBytes)
	o.Keep = cmp.Or(o.Keep, defaultKeep)
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if room(o.MaxBytes) > o.TotalBytes {
		return nil, fmt.Errorf("open media in %s: one medium of %d bytes does not fit into the %d bytes for all", o.Dir, o.MaxBytes, o.TotalBytes)
	}
	s := &Store{
		opt: o, items: map[string]*Item{}, latest: map[digest]*Item{}, flights: map[digest]*flight{},
		refused: map[digest]*refusal{}, gates: map[gateKey]*gate{},
		downloads: make(chan struct{}, maxDownloads),
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open media in %s: make the folder: %w", o.Dir, err)
	}
	var err error
	if s.opt.FreeLow == 0 {
		if s.opt.FreeLow, err = freeLow(o.Dir); err != nil {
			return nil, fmt.Errorf("open media: %w", err)
		}
	}
	if s.key, err = openKey(o.Dir, o.Logger); err != nil {
		return nil, fmt.Errorf("open media in %s: %w", o.Dir, err)
	}
	if err := s.restore(); err != nil {
		return nil, fmt.Errorf("open media in %s: %w", o.Dir, err)
	}
	return s, nil
}

// Run removes what has expired until ctx ends; then it ends what is being read, waits for it, and returns. Get fails
// from then on, items and links go on working.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.sweep()
		case <-ctx.Done():
			s.mu.Lock()
			s.ended = true
			s.mu.Unlock()
			s.end()
			s.running.Wait()
			return
		}
	}
}

// sweep removes what has expired.
func (s *Store) sweep() {
	now := s.opt.Now()
	for s.removeExpired(now) {
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for of, r := range s.refused {
		if !now.Before(r.until) {
			delete(s.refused, of)
		}
	}
}

// removeExpired removes some items and reports whether there may be more.
func (s *Store) removeExpired(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var expired []*Item
	for e := s.order.Front(); e != nil && len(expired) < sweepBatch; e = e.Next() {
		if i := e.Value.(*Item); i.expired(now) {
			expired = append(expired, i)
		}
	}
	for _, i := range expired {
		s.remove(i)
	}
	return len(expired) == sweepBatch
}

// add makes an item known whose bytes are on disk, and whose room is reserved. s.mu is held.
func (s *Store) add(i *Item) {
	i.place = s.order.PushBack(i)
	s.items[i.ID] = i
	s.latest[i.of] = i
	s.opt.Observer.Stored(s.used, len(s.items))
}

// remove forgets an item and deletes its files; whoever reads it can go on. s.mu is held.
func (s *Store) remove(i *Item) {
	if i.place == nil {
		return // by somebody else
	}
	s.order.Remove(i.place)
	i.place = nil
	delete(s.items, i.ID)
	if s.latest[i.of] == i {
		delete(s.latest, i.of)
	}
	s.used -= room(i.Size)
	if err := s.deleteFiles(i.ID); err != nil {
		s.opt.Logger.Warn("could not delete an expired medium", "id", i.ID, "error", err)
	}
	s.opt.Observer.Stored(s.used, len(s.items))
}

// reserve takes room for n bytes more, if need be that of the oldest items that nobody reads.
func (s *Store) reserve(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.order.Front(); s.used+n > s.opt.TotalBytes; {
		if e == nil {
			return ErrNoRoom
		}
		i := e.Value.(*Item)
		e = e.Next()
		if i.readers == 0 {
			s.remove(i)
		}
	}
	s.used += n
	return nil
}

// release gives room back.
func (s *Store) release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
}
