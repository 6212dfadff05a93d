package state

import "fmt"

// page contains the conversations of one bucket. Existing bytes of data never change, so that a snapshot can share
// them. When data is full, the live bytes move to a new array.
type page struct {
	data    []byte
	entries []entry
	unused  []uint32 // indexes of free entries
	live    int      // bytes of data that entries refer to
}

// entry locates a conversation at rest, and describes it, so that most visits of all conversations decode none.
type entry struct {
	offset, size uint32 // in data; the size is 0 if data does not have the value
	decoded      uint32 // 1 + index in conversations.decoded, or 0
	summary      summary
}

// add returns the index of a new entry.
func (p *page) add() int {
	if n := len(p.unused); n > 0 {
		i := p.unused[n-1]
		p.unused = p.unused[:n-1]
		return int(i)
	}
	p.entries = append(p.entries, entry{})
	return len(p.entries) - 1
}

// clear drops the bytes of an entry.
func (p *page) clear(i int) {
	p.live -= int(p.entries[i].size)
	p.entries[i].size = 0
}

// free removes an entry.
func (p *page) free(i int) {
	p.clear(i)
	p.entries[i] = entry{}
	p.unused = append(p.unused, uint32(i))
}

// store encodes the value of an entry.
func (p *page) store(i int, c *Conversation, s summary) {
	p.clear(i)
	if need := c.Msgsize(); cap(p.data)-len(p.data) < need {
		p.move(need)
	}
	from := len(p.data)
	p.data = appendConversation(p.data, c)
	e := &p.entries[i]
	e.offset, e.size, e.summary = uint32(from), uint32(len(p.data)-from), s
	p.live += int(e.size)
}

// move copies the live bytes to a new array with room for more.
func (p *page) move(room int) {
	data := make([]byte, 0, p.live+p.live/4+room)
	for i := range p.entries {
		if e := &p.entries[i]; e.size != 0 {
			from := len(data)
			data = append(data, p.bytes(i)...)
			e.offset = uint32(from)
		}
	}
	p.data = data
}

func (p *page) bytes(i int) []byte {
	e := &p.entries[i]
	return p.data[e.offset : e.offset+e.size]
}

func (p *page) decode(i int) *Conversation {
	c, _, err := decodeConversation(p.bytes(i))
	if err != nil {
		panic(fmt.Sprintf("read a conversation at rest: %v", err)) // store wrote the bytes, or a snapshot with a checksum
	}
	return c
}

// pageSnapshot contains the conversations of a page at one moment.
type pageSnapshot struct {
	data    []byte
	ranges  [][2]uint32 // of data, with the conversations at rest
	decoded []*Conversation
	size    int // estimate
}

// snapshot returns the conversations of a bucket.
func (s *conversations) snapshot(bucket uint32) *pageSnapshot {
	p := &s.pages[bucket]
	out := &pageSnapshot{data: p.data, size: p.live}
	for i := range p.entries {
		switch e := &p.entries[i]; {
		case e.size == 0 && e.decoded != 0:
			c := s.decoded[e.decoded-1].value
			out.decoded = append(out.decoded, c)
			out.size += c.Msgsize()
		case e.size == 0:
		case len(out.ranges) > 0 && out.ranges[len(out.ranges)-1][1] == e.offset:
			out.ranges[len(out.ranges)-1][1] = e.offset + e.size
		default:
			out.ranges = append(out.ranges, [2]uint32{e.offset, e.offset + e.size})
		}
	}
	return out
}

func (s *pageSnapshot) encode() []byte {
	out := make([]byte, 0, s.size)
	for _, r := range s.ranges {
		out = append(out, s.data[r[0]:r[1]]...)
	}
	for _, c := range s.decoded {
		out = appendConversation(out, c)
	}
	return out
}
