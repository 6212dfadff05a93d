package writer

import "time"

// ages remembers, roughly, when records were written: one mark in markEach records.
type ages struct {
	marks []ageMark
}

type ageMark struct {
	seq uint64
	at  time.Time
}

const markEach = 1000

func (a *ages) note(seq uint64, at time.Time) {
	if n := len(a.marks); n == 0 || seq >= a.marks[n-1].seq+markEach {
		a.marks = append(a.marks, ageMark{seq, at})
	}
}

// before returns the newest known sequence that was written before t, or 0; older marks are forgotten.
func (a *ages) before(t time.Time) uint64 {
	var seq uint64
	for len(a.marks) > 0 && a.marks[0].at.Before(t) {
		seq = a.marks[0].seq
		a.marks = a.marks[1:]
	}
	if seq != 0 {
		a.marks = append([]ageMark{{seq, t}}, a.marks...)
	}
	return seq
}
