// Package hours computes the opening hours of a channel: weekly spans of local time, with other spans or none on single
// dates.
//
// A span includes its start and not its end. It belongs to the day on which it begins, so a span that ends after
// midnight is not affected by the spans of the next day. If a change of the clocks skips a local time, the time stands
// for the instant of the change. If the change repeats a local time, spans start at the first instant and end at the
// last one.
//
// The package has no clock. An Hours is immutable and safe for concurrent use.
package hours

import (
	"slices"
	"time"
)

// Hours are the opening hours of one channel.
type Hours struct {
	zone *time.Location
	week [7][]Span       // by time.Weekday
	days map[Date][]Span // instead of the spans in week
}

// New returns hours. On the dates in days, the spans of days replace the weekly spans; a date without spans is closed.
// Open must not be empty, because Next searches until the channel is open.
func New(zone *time.Location, open []Weekly, days map[Date][]Span) *Hours {
	h := &Hours{zone: zone, days: days}
	for _, w := range open {
		for _, day := range w.days {
			h.week[day] = append(h.week[day], w.span)
		}
	}
	return h
}

// Open reports whether the channel is open at an instant.
func (h *Hours) Open(at time.Time) bool {
	today := dateOf(at.In(h.zone))
	return h.covers(today.add(-1), at) || h.covers(today, at)
}

func (h *Hours) covers(d Date, at time.Time) bool {
	return slices.ContainsFunc(h.spansOn(d), func(s Span) bool {
		start, end := h.instants(d, s)
		return !at.Before(start) && at.Before(end)
	})
}

// Next returns the first instant, not before at, at which the channel is open.
func (h *Hours) Next(at time.Time) time.Time {
	if h.Open(at) {
		return at
	}
	for d := dateOf(at.In(h.zone)); ; d = d.add(1) {
		var next time.Time
		for _, s := range h.spansOn(d) {
			start, end := h.instants(d, s)
			if start.After(at) && end.After(start) && (next.IsZero() || start.Before(next)) {
				next = start
			}
		}
		if !next.IsZero() {
			return next
		}
	}
}

// Closed returns the time between two instants that is outside the hours.
func (h *Hours) Closed(from, to time.Time) time.Duration {
	var closed time.Duration
	for from.Before(to) {
		next := h.Next(from)
		if next.After(to) {
			next = to
		}
		closed += next.Sub(from)
		from = h.End(next)
	}
	return closed
}

// End returns the end of the spans that cover an instant, or the instant itself if there is none. The channel can be
// open at the end too: another span may begin there or before.
func (h *Hours) End(at time.Time) time.Time {
	last, today := at, dateOf(at.In(h.zone))
	for _, d := range []Date{today.add(-1), today} {
		for _, s := range h.spansOn(d) {
			if start, end := h.instants(d, s); !at.Before(start) && end.After(last) {
				last = end
			}
		}
	}
	return last
}

// spansOn returns the spans that begin on a date.
func (h *Hours) spansOn(d Date) []Span {
	if spans, listed := h.days[d]; listed {
		return spans
	}
	return h.week[d.weekday()]
}

func (h *Hours) instants(d Date, s Span) (start, end time.Time) {
	return h.instant(d, s.from, false), h.instant(d, s.to, true)
}

// instant returns the instant of a local time, given in minutes after the midnight that begins a date. If a change of
// the clocks repeats the local time, last selects the last instant instead of the first.
func (h *Hours) instant(d Date, minutes int, last bool) time.Time {
	wall := time.Date(d.year, d.month, d.day, 0, minutes, 0, 0, time.UTC) // the local time as if it were UTC
	guess := time.Date(d.year, d.month, d.day, 0, minutes, 0, 0, h.zone)
	from, to := guess.ZoneBounds()
	var found time.Time
	for _, near := range []time.Time{guess, from.Add(-1), to} {
		at := wall.Add(-offset(near.In(h.zone)))
		if !sameWall(at.In(h.zone), wall) {
			continue
		}
		if found.IsZero() || last && at.After(found) || !last && at.Before(found) {
			found = at
		}
	}
	if !found.IsZero() {
		return found
	}
	if !to.IsZero() && !wall.Add(-offset(guess)).Before(to) { // skipped by the change of the clocks at to
		return to
	}
	return from
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

func sameWall(local, wall time.Time) bool {
	return dateOf(local) == dateOf(wall) && local.Hour() == wall.Hour() && local.Minute() == wall.Minute()
}
