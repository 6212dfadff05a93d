package hours

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	_ "time/tzdata" // machines without a database of time zones
)

// minutesPerDay is the number of minutes in a day without a change of the clocks.
const minutesPerDay = 24 * 60

// Span is a part of a day, in minutes of local time after the midnight that begins the day. The end can be on the next
// day.
type Span struct{ from, to int }

// Weekly is a span on some days of each week.
type Weekly struct {
	days []time.Weekday
	span Span
}

var (
	weekdayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	weekly       = regexp.MustCompile(`^([a-z]+)(?:-([a-z]+))?(?:\s+(\S+))?$`)
	clockTimes   = regexp.MustCompile(`^([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])$`)
)

// WeekdayName returns the name of a weekday: mon, tue, wed, thu, fri, sat or sun.
func WeekdayName(day time.Weekday) string { return weekdayNames[day] }

// ParseWeekly reads one span of a week: mon-fri 09:00-18:00, fri 22:00-06:00, sat-mon (whole days) or 00:00-24:00 (every
// day). Upper and lower case are the same.
func ParseWeekly(s string) (Weekly, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if span, err := ParseSpan(s); err == nil {
		return Weekly{daysFrom(time.Sunday, time.Saturday), span}, nil
	}
	part := weekly.FindStringSubmatch(s)
	if part == nil {
		if strings.Contains(s, ",") {
			return Weekly{}, fmt.Errorf("%s has a comma; write several spans as a list", strconv.Quote(s))
		}
		return Weekly{}, fmt.Errorf("%s is not a span of a week; write it as mon-fri 09:00-18:00", strconv.Quote(s))
	}
	first, err := parseWeekday(part[1])
	if err != nil {
		return Weekly{}, err
	}
	last := first
	if part[2] != "" {
		if last, err = parseWeekday(part[2]); err != nil {
			return Weekly{}, err
		}
	}
	out := Weekly{daysFrom(first, last), Span{0, minutesPerDay}}
	if part[3] != "" {
		out.span, err = ParseSpan(part[3])
	}
	return out, err
}

func parseWeekday(s string) (time.Weekday, error) {
	if i := slices.Index(weekdayNames, s); i >= 0 {
		return time.Weekday(i), nil
	}
	return 0, fmt.Errorf("%s is not a day; days are mon, tue, wed, thu, fri, sat and sun", strconv.Quote(s))
}

func daysFrom(first, last time.Weekday) []time.Weekday {
	days := []time.Weekday{first}
	for day := first; day != last; {
		day = (day + 1) % 7
		days = append(days, day)
	}
	return days
}

// ParseSpan reads a span of a day, such as 09:00-18:00. If it ends before it starts, it ends on the next day.
func ParseSpan(s string) (Span, error) {
	part := clockTimes.FindStringSubmatch(strings.TrimSpace(s))
	if part == nil {
		return Span{}, fmt.Errorf("%s is not a span of a day; write it as 09:00-18:00", strconv.Quote(s))
	}
	from, to := minutes(part[1], part[2]), minutes(part[3], part[4])
	switch {
	case from >= minutesPerDay || to > minutesPerDay:
		return Span{}, fmt.Errorf("%s has a time that does not exist; a day is from 00:00 to 24:00", strconv.Quote(s))
	case from == to:
		return Span{}, fmt.Errorf("%s ends when it starts; a whole day is 00:00-24:00", strconv.Quote(s))
	case to < from:
		to += minutesPerDay
	}
	return Span{from, to}, nil
}

// minutes returns a time of day in minutes. Its arguments have two digits.
func minutes(hour, minute string) int {
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	return 60*h + m
}

// Overlaps reports whether both spans include the same time of the same day.
func (w Weekly) Overlaps(other Weekly) bool {
	return w.span.from < other.span.to && other.span.from < w.span.to &&
		slices.ContainsFunc(w.days, func(day time.Weekday) bool { return slices.Contains(other.days, day) })
}
