package state

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Restore fills an empty state from a snapshot. The state uses the bytes of the buckets, so they must not change
// later.
func (s *State) Restore(buckets map[uint32][]byte, meta []byte) error {
	var m snapshotMeta
	if err := json.Unmarshal(meta, &m); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	if m.Format > snapshotFormat {
		return fmt.Errorf("read snapshot: format %d is newer than this program's %d; start the newer version",
			m.Format, snapshotFormat)
	}
	if m.Format < snapshotFormat {
		return fmt.Errorf("read snapshot: %w: %d", ErrFormat, m.Format)
	}
	s.lease, s.at, s.revision = m.Lease, time.Unix(0, m.At), m.Revision
	var reading errgroup.Group
	reading.Go(func() error { return s.restoreLists(buckets) })
	reading.Go(func() error { return s.restoreConversations(buckets) })
	if err := reading.Wait(); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	clear(s.changed)
	return nil
}

// restoreLists reads the buckets that do not contain conversations.
func (s *State) restoreLists(buckets map[uint32][]byte) error {
	var pages []*idPage
	for bucket, data := range buckets {
		var err error
		switch {
		case bucket >= bucketIDs:
			err = restoreList(data, func(p *idPage) { pages = append(pages, p) })
		case bucket >= convBuckets:
			err = s.restoreBucket(bucket, data)
		}
		if err != nil {
			return fmt.Errorf("bucket %d: %w", bucket, err)
		}
	}
	return s.ids.restore(pages)
}

func (s *State) restoreBucket(bucket uint32, data []byte) error {
	switch bucket {
	case bucketDeadLetters:
		return restoreList(data, func(d *DeadLetter) {
			s.deadLetters[d.Delivery.ID] = d
			if d.Delivery.Copy {
				s.deadCopies++
			}
		})
	case bucketPending:
		return restoreList(data, func(p *PendingEnvelope) {
			s.pending[p.Pos] = p
			s.pendingCount.add(p, 1)
			heap.Push(&s.deadlines, deadline{p.Deadline, p.Pos})
		})
	default:
		return restoreList(data, s.restoreChannel)
	}
}

func (s *State) restoreChannel(c *snapshotChannel) {
	if c.Cursor != nil {
		s.cursors[c.Channel] = c.Cursor
	}
	if c.Pause != nil {
		s.pauses[c.Channel] = c.Pause
	}
}

func restoreList[T any](data []byte, add func(*T)) error {
	var list []*T
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for _, v := range list {
		add(v)
	}
	return nil
}

// keyedPlace is the place of a conversation, and the key of its id or of one of its threads.
type keyedPlace struct {
	key   Key
	place place
}

// restoreConversations reads the buckets of conversations, several at the same time, and fills the indexes.
func (s *State) restoreConversations(buckets map[uint32][]byte) error {
	var (
		reading      errgroup.Group
		awaited      sync.Mutex
		ids, threads [convBuckets][]keyedPlace
	)
	reading.SetLimit(runtime.GOMAXPROCS(0))
	for bucket := range uint32(convBuckets) {
		reading.Go(func() error {
			err := s.convs.pages[bucket].restore(buckets[bucket], func(i int, o *outline, c *Conversation) summary {
				p := place(i*convBuckets) + place(bucket)
				ids[bucket] = append(ids[bucket], keyedPlace{o.id, p})
				for _, th := range o.threads {
					threads[bucket] = append(threads[bucket], keyedPlace{th, p})
				}
				awaited.Lock()
				defer awaited.Unlock()
				if c != nil {
					return s.convs.awaited.summarize(c)
				}
				return o.summary(&s.convs.awaited)
			})
			if err != nil {
				return fmt.Errorf("bucket %d: %w", bucket, err)
			}
			return nil
		})
	}
	if err := reading.Wait(); err != nil {
		return err
	}
	var indexing sync.WaitGroup
	indexing.Go(func() { s.convs.places = index(ids[:]) })
	indexing.Go(func() { s.threads.places = index(threads[:]) })
	indexing.Wait()
	return nil
}

// index returns a map of the places by their keys.
func index(lists [][]keyedPlace) map[Key]place {
	n := 0
	for _, list := range lists {
		n += len(list)
	}
	places := make(map[Key]place, n)
	for _, list := range lists {
		for _, k := range list {
			places[k.key] = k.place
		}
	}
	return places
}

// restore fills an empty page. F returns the summary of a conversation. Only busy conversations are decoded for this.
func (p *page) restore(data []byte, f func(i int, o *outline, busy *Conversation) summary) error {
	p.data, p.live = slices.Clip(data), len(data)
	var o outline
	for rest := data; len(rest) > 0; {
		from := len(data) - len(rest)
		after, err := o.read(rest)
		var busy *Conversation
		if err == nil && o.busy {
			busy, _, err = decodeConversation(rest)
		}
		if err != nil {
			return err
		}
		i := p.add()
		p.entries[i] = entry{
			offset: uint32(from), size: uint32(len(rest) - len(after)), summary: f(i, &o, busy),
		}
		rest = after
	}
	return nil
}
