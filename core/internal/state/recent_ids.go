package state

import (
	"encoding/binary"
	"fmt"
	"time"
)

// Limits of the vendor ids that are remembered for deduplication. An id is remembered for IDRetention to IDRetention +
// idPageAge, unless MaxRecentIDs newer ones follow: the oldest ones of all channels are forgotten first. Each takes 24
// bytes of memory, so all take at most 48 MiB.
const (
	IDRetention  = 24 * time.Hour
	MaxRecentIDs = 1 << 21
	idPageAge    = time.Hour
	idPageSize   = 4096                             // ids in one page
	idPages      = MaxRecentIDs/idPageSize + 24 + 2 // full pages, those of the last 25 hours, and the one being filled
)

// ID is the digest of a vendor id with its channel and thread.
type ID [16]byte

// recentIDs is the set of the ids of the newest accepted envelopes. Ids are kept in pages in order of acceptance. Old
// pages never change, so a snapshot rewrites only the newest one.
type recentIDs struct {
	ring    [idPages]*idPage // page n is at n % idPages
	first   uint64           // number of the oldest page
	next    uint64           // number of the next new page
	count   int              // ids in all pages
	table   []uint32         // hash table with linear probing; a slot is 0 if free, otherwise 1 + the id's place
	changed map[uint32]bool  // buckets of the state's next snapshot
}

// idPage contains ids that were accepted within idPageAge.
type idPage struct {
	Number uint64    `json:"n"`
	Opened time.Time `json:"o"`
	IDs    []byte    `json:"i"` // 16 bytes each; only ever appended to
}

func (p *idPage) expired(at time.Time) bool { return at.Sub(p.Opened) >= IDRetention+idPageAge }

func (r *recentIDs) page(number uint64) *idPage { return r.ring[number%idPages] }

func (r *recentIDs) at(place uint32) ID {
	return ID(r.ring[place/idPageSize].IDs[place%idPageSize*16:][:16])
}

// contains reports whether an id is remembered at a time.
func (r *recentIDs) contains(id ID, at time.Time) bool {
	i, found := r.find(id)
	return found && !r.ring[(r.table[i]-1)/idPageSize].expired(at)
}

// add remembers an id from the time at.
func (r *recentIDs) add(id ID, at time.Time) {
	for r.count >= MaxRecentIDs {
		r.dropPage()
	}
	p := r.newestPage(at)
	if len(p.IDs) == cap(p.IDs) { // append would allocate more than a page needs
		p.IDs = append(make([]byte, 0, min(max(2*len(p.IDs), 256), idPageSize*16)), p.IDs...)
	}
	p.IDs = append(p.IDs, id[:]...)
	r.count++
	r.changed[p.bucket()] = true
	if r.count*2 > len(r.table) {
		r.rebuild()
		return
	}
	i, _ := r.find(id)
	r.table[i] = p.place(len(p.IDs)/16-1) + 1
}

// newestPage returns the page for the next id.
func (r *recentIDs) newestPage(at time.Time) *idPage {
	if r.first < r.next {
		if p := r.page(r.next - 1); len(p.IDs) < idPageSize*16 && at.Sub(p.Opened) < idPageAge {
			return p
		}
	}
	if r.next-r.first == idPages {
		r.dropPage()
	}
	p := &idPage{Number: r.next, Opened: at}
	r.ring[r.next%idPages] = p
	r.next++
	return p
}

// forget drops the expired pages.
func (r *recentIDs) forget(at time.Time) {
	for r.first < r.next && r.page(r.first).expired(at) {
		r.dropPage()
	}
}

// bound limits the times of pages to now, after the clock was set back.
func (r *recentIDs) bound(now time.Time) {
	for n := r.first; n < r.next; n++ {
		if p := r.page(n); p.Opened.After(now) {
			p.Opened = now
			r.changed[p.bucket()] = true
		}
	}
}

func (r *recentIDs) dropPage() {
	p := r.page(r.first)
	for n := range len(p.IDs) / 16 {
		place := p.place(n)
		if i, found := r.find(r.at(place)); found && r.table[i] == place+1 {
			r.remove(i)
		}
	}
	r.count -= len(p.IDs) / 16
	r.changed[p.bucket()] = true
	r.ring[r.first%idPages] = nil
	r.first++
}

func (p *idPage) place(index int) uint32 { return uint32(p.Number%idPages)*idPageSize + uint32(index) }

func (p *idPage) bucket() uint32 { return bucketIDs + uint32(p.Number%idPages) }

// firstSlot returns the slot of the table at which the search for an id starts. An id is a hash already.
func (r *recentIDs) firstSlot(id ID) int {
	return int(binary.LittleEndian.Uint32(id[:])) & (len(r.table) - 1)
}

// find returns the slot of an id, or the free slot where it belongs.
func (r *recentIDs) find(id ID) (slot int, found bool) {
	if len(r.table) == 0 {
		return 0, false
	}
	i := r.firstSlot(id)
	for r.table[i] != 0 && r.at(r.table[i]-1) != id {
		i = (i + 1) & (len(r.table) - 1)
	}
	return i, r.table[i] != 0
}

// remove frees a slot, and moves the entries after it that a search would no longer find.
func (r *recentIDs) remove(free int) {
	mask := len(r.table) - 1
	for i := (free + 1) & mask; r.table[i] != 0; i = (i + 1) & mask {
		if first := r.firstSlot(r.at(r.table[i] - 1)); (i-first)&mask >= (i-free)&mask {
			r.table[free] = r.table[i]
			free = i
		}
	}
	r.table[free] = 0
}

// rebuild fills a new table, which is at most half full.
func (r *recentIDs) rebuild() {
	size := 64
	for size < r.count*2 {
		size *= 2
	}
	r.table = make([]uint32, size)
	for n := r.first; n < r.next; n++ {
		p := r.page(n)
		for k := range len(p.IDs) / 16 {
			i, _ := r.find(r.at(p.place(k)))
			r.table[i] = p.place(k) + 1
		}
	}
}

// snapshot returns a list with the page of a bucket, or an empty list if there is none.
func (r *recentIDs) snapshot(bucket uint32) []idPage {
	if p := r.ring[bucket-bucketIDs]; p != nil {
		return []idPage{*p}
	}
	return []idPage{}
}

// restore takes pages from a snapshot, in any order.
func (r *recentIDs) restore(pages []*idPage) error {
	if len(pages) > 0 {
		r.first = pages[0].Number
	}
	for _, p := range pages {
		if len(p.IDs)%16 != 0 || len(p.IDs) > idPageSize*16 {
			return fmt.Errorf("page %d of ids has %d bytes", p.Number, len(p.IDs))
		}
		r.ring[p.Number%idPages] = p
		r.first, r.next = min(r.first, p.Number), max(r.next, p.Number+1)
		r.count += len(p.IDs) / 16
	}
	for n := r.first; n < r.next; n++ {
		if p := r.page(n); p == nil || p.Number != n {
			return fmt.Errorf("page %d of ids is missing", n)
		}
	}
	r.rebuild()
	return nil
}
