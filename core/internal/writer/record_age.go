package writer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/store"
)

// ages maps sequences to times of writing, with one mark per ageMarkEvery records.
type ages struct {
	marks []ageMark
}

type ageMark struct {
	seq uint64
	at  time.Time
}

const ageMarkEvery = 1000

// ageSamples is the number of records that are read to find the ages in an existing log.
const ageSamples = 16

// sample adds marks for records spread over the whole log.
func (a *ages) sample(ctx context.Context, log store.Log) error {
	b := log.Bounds()
	if b.Empty() {
		return nil
	}
	step := max((b.Last-b.First)/ageSamples, ageMarkEvery)
	for seq := b.First; seq <= b.Last; seq += step {
		data, err := log.Get(ctx, seq)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		var r journal.Record
		if err := r.UnmarshalVT(data); err != nil {
			return fmt.Errorf("read record %d: %w", seq, err)
		}
		a.note(seq, time.Unix(0, r.GetAt()))
	}
	return nil
}

func (a *ages) note(seq uint64, at time.Time) {
	for i := len(a.marks) - 1; i >= 0 && a.marks[i].at.After(at); i-- { // the clock was set back
		a.marks[i].at = at
	}
	if n := len(a.marks); n == 0 || seq >= a.marks[n-1].seq+ageMarkEvery {
		a.marks = append(a.marks, ageMark{seq, at})
	}
}

// before returns the newest marked sequence that was written before t, or 0. It removes the marks before this one.
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
