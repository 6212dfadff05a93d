package conversationtest

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Clock is a point in time of a step: a date with a time, or the next time of the day or week.
type Clock struct {
	exact   time.Time // zero for a time of the day or week
	weekday int       // -1 for every day
	hour    int
	minute  int
	zone    *time.Location
	text    string
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var errClock = errors.New(`is not a time; write "18:00", "mon 09:00", "2026-03-02 18:00" or 2026-03-02T18:00:00Z`)

// parseClock parses the time of a step.
func parseClock(s string, zone *time.Location) (*Clock, error) {
	c := &Clock{weekday: -1, zone: zone, text: s}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		c.exact = at
		return c, nil
	}
	if at, err := time.ParseInLocation("2006-01-02 15:04", s, zone); err == nil {
		c.exact = at
		return c, nil
	}
	if day, rest, ok := strings.Cut(s, " "); ok {
		if c.weekday = slices.Index(weekdays, strings.ToLower(day)); c.weekday < 0 {
			return nil, errClock
		}
		s = rest
	}
	at, err := time.Parse("15:04", s)
	if err != nil {
		return nil, errClock
	}
	c.hour, c.minute = at.Hour(), at.Minute()
	return c, nil
}

// Next returns the first such time that is not before now. It returns false if a date with a time has passed.
func (c *Clock) Next(now time.Time) (time.Time, bool) {
	if !c.exact.IsZero() {
		return c.exact, !c.exact.Before(now)
	}
	day := now.In(c.zone)
	for i := range 9 { // nine, because a day may skip the time
		at := time.Date(day.Year(), day.Month(), day.Day()+i, c.hour, c.minute, 0, 0, c.zone)
		if !at.Before(now) && (c.weekday < 0 || int(at.Weekday()) == c.weekday) {
			return at, true
		}
	}
	return time.Time{}, false
}

// String returns the time as written in the file.
func (c *Clock) String() string { return c.text }
