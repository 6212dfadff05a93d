package state

import "hash/maphash"

// maxDecoded is the maximum number of conversations that a state keeps decoded.
const maxDecoded = 4096

// conversations contains the conversations of a state. The most recently used ones are decoded. The others are at rest:
// encoded in pages without pointers, which the garbage collector does not search.
type conversations struct {
	places  map[Key]place // by id
	pages   [convBuckets]page
	decoded []decoded // at most limit
	hand    int       // position in decoded of the clock algorithm, which selects the conversation to encode
	limit   int
	awaited channelNumbers
}

// Key is a hash of the id of a conversation, or of a thread. It is valid only in this process. It has no pointers.
type Key [2]uint64

var keySeeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// KeyOf returns the key of a conversation's id.
func KeyOf(conversation string) Key { return keyOf(conversation) }

func keyOf(parts ...string) (d Key) {
	var buf [128]byte
	b := buf[:0]
	for _, p := range parts {
		b = append(append(b, p...), 0)
	}
	for i, seed := range keySeeds {
		d[i] = maphash.Bytes(seed, b)
	}
	return d
}

// place is the page of a conversation, in the lowest 8 bits, and the index of its entry. It never changes.
type place uint32

func (p place) page() int  { return int(p % convBuckets) }
func (p place) index() int { return int(p / convBuckets) }

// decoded is a decoded conversation.
type decoded struct {
	value *Conversation // nil if this element is free
	place place
	used  bool // since the hand passed this element
	dirty bool // the page does not have the value
}

func newConversations(limit int) *conversations {
	return &conversations{places: map[Key]place{}, limit: limit}
}

func (s *conversations) len() int { return len(s.places) }

func (s *conversations) get(id string) (*Conversation, bool) {
	p, ok := s.places[keyOf(id)]
	if !ok {
		return nil, false
	}
	return s.at(p), true
}

// at returns the conversation at a place, or nil, and keeps it decoded.
func (s *conversations) at(p place) *Conversation {
	e := s.entry(p)
	if e.decoded != 0 {
		d := &s.decoded[e.decoded-1]
		d.used = true
		return d.value
	}
	if e.size == 0 {
		return nil
	}
	c := s.pages[p.page()].decode(p.index())
	s.keep(decoded{value: c, place: p, used: true})
	return c
}

func (s *conversations) entry(p place) *entry { return &s.pages[p.page()].entries[p.index()] }

func (s *conversations) put(id string, c *Conversation) {
	key := keyOf(id)
	p, ok := s.places[key]
	if !ok {
		page := bucketOf(id)
		p = place(s.pages[page].add()*convBuckets) + place(page)
		s.places[key] = p
	}
	s.pages[p.page()].clear(p.index())
	value := decoded{value: c, place: p, used: true, dirty: true}
	if e := s.entry(p); e.decoded != 0 {
		s.decoded[e.decoded-1] = value
	} else {
		s.keep(value)
	}
}

// keep keeps a conversation decoded. At the limit, it brings another one to rest: the first one after the hand that was
// not used since the hand last passed it.
func (s *conversations) keep(d decoded) {
	if len(s.decoded) < s.limit {
		s.decoded = append(s.decoded, d)
		s.entry(d.place).decoded = uint32(len(s.decoded))
		return
	}
	for s.decoded[s.hand].used {
		s.decoded[s.hand].used = false
		s.hand = (s.hand + 1) % len(s.decoded)
	}
	s.rest(&s.decoded[s.hand])
	s.decoded[s.hand] = d
	s.entry(d.place).decoded = uint32(s.hand + 1)
	s.hand = (s.hand + 1) % len(s.decoded)
}

func (s *conversations) rest(d *decoded) {
	if d.value == nil {
		return
	}
	if d.dirty {
		s.pages[d.place.page()].store(d.place.index(), d.value, s.awaited.summarize(d.value))
	}
	s.entry(d.place).decoded = 0
}

func (s *conversations) remove(id string) {
	key := keyOf(id)
	p, ok := s.places[key]
	if !ok {
		return
	}
	if e := s.entry(p); e.decoded != 0 {
		s.decoded[e.decoded-1] = decoded{}
	}
	s.pages[p.page()].free(p.index())
	delete(s.places, key)
}

// visit calls f for each conversation that is decoded or whose summary is wanted, until f returns false. f may read
// other conversations.
func (s *conversations) visit(wanted func(*summary) bool, f func(*Conversation) bool) {
	for i := range s.pages {
		for p := place(i); p.index() < len(s.pages[i].entries); p += convBuckets {
			if c := s.peek(p, wanted); c != nil && !f(c) {
				return
			}
		}
	}
}

// peek returns the conversation at a place without keeping it decoded. It returns nil if there is none, or if it is at
// rest and not wanted.
func (s *conversations) peek(p place, wanted func(*summary) bool) *Conversation {
	switch e := s.entry(p); {
	case e.decoded != 0:
		return s.decoded[e.decoded-1].value
	case e.size != 0 && wanted(&e.summary):
		return s.pages[p.page()].decode(p.index())
	}
	return nil
}
