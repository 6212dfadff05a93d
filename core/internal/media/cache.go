package media

import "time"

const (
	sweepInterval = time.Minute
	sweepBatch    = 64 // items removed while the lock is held
)

// add adds an item whose files are complete and whose space is reserved. The caller holds s.mu.
func (s *Store) add(i *Item) {
	i.element = s.order.PushBack(i)
	s.items[i.ID] = i
	s.latest[i.source] = i
	s.opt.Observer.Stored(s.used, len(s.items))
}

// remove removes an item and deletes its files. Open readers of the item still work. The caller holds s.mu.
func (s *Store) remove(i *Item) {
	if i.element == nil {
		return // already removed
	}
	s.order.Remove(i.element)
	i.element = nil
	delete(s.items, i.ID)
	if s.latest[i.source] == i {
		delete(s.latest, i.source)
	}
	s.used -= diskSize(i.Size)
	if err := s.deleteFiles(i.ID); err != nil {
		s.opt.Logger.Warn("cached medium could not be deleted", "id", i.ID, "error", err)
	}
	s.opt.Observer.Stored(s.used, len(s.items))
}

// reserve reserves n bytes of the cache. If necessary, it evicts the oldest items that have no readers.
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

// release undoes reserve.
func (s *Store) release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
}

// sweep removes expired items, and permanent failures that are older than failureDuration.
func (s *Store) sweep() {
	now := s.opt.Now()
	for s.removeExpired(now) {
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for source, r := range s.failures {
		if !now.Before(r.until) {
			delete(s.failures, source)
		}
	}
}

// removeExpired removes up to sweepBatch expired items and reports whether more may follow.
func (s *Store) removeExpired(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var expired []*Item
	for e := s.order.Front(); e != nil && len(expired) < sweepBatch; e = e.Next() {
		if i := e.Value.(*Item); i.hasExpired(now) {
			expired = append(expired, i)
		}
	}
	for _, i := range expired {
		s.remove(i)
	}
	return len(expired) == sweepBatch
}
