package config

import (
	"time"
	"unicode/utf8"

	"patchbay/core/internal/finding"
	"patchbay/core/internal/hours"
	"patchbay/sdk/text"
)

// maxTitle is the maximum length of a channel's title, in characters.
const maxTitle = 200

// hours checks the hours of a channel. It returns nil if the channel has no hours, or no valid zone or span.
func (l *loader) hours(f *fileHours) *hours.Hours {
	if f.node.kind != mapping {
		return nil
	}
	if len(f.Open.list) == 0 {
		l.bad(finding.MissingKey, f.Open.node, "missing; write the spans of a week, such as mon-fri 09:00-18:00")
	}
	if f.Zone.node.kind == absent {
		l.bad(finding.MissingKey, f.Zone.node, "missing; name the time zone of the hours, such as Asia/Shanghai")
	}
	days := map[hours.Date][]hours.Span{}
	l.closedDates(&f.Closed, days)
	l.otherDays(&f.Days, days)
	zone, open := l.zone(&f.Zone), l.weekly(&f.Open)
	if zone == nil || len(open) == 0 {
		return nil
	}
	return hours.New(zone, open, days)
}

func (l *loader) weekly(f *textList) []hours.Weekly {
	var out []hours.Weekly
	for i := range f.list {
		span, err := hours.ParseWeekly(f.list[i].value)
		if l.reportInvalid(f.list[i].node, err) {
			continue
		}
		for _, earlier := range out {
			if earlier.Overlaps(span) {
				l.bad(finding.InvalidValue, f.list[i].node,
					"overlaps with an earlier span; list each time once, or use days for single dates")
				break
			}
		}
		out = append(out, span)
	}
	return out
}

func (l *loader) closedDates(f *textList, days map[hours.Date][]hours.Span) {
	for i := range f.list {
		date, err := hours.ParseDate(f.list[i].value)
		if l.reportInvalid(f.list[i].node, err) {
			continue
		}
		if _, twice := days[date]; twice {
			l.bad(finding.ListedTwice, f.list[i].node, "is listed twice")
		}
		days[date] = nil
	}
}

func (l *loader) otherDays(f *named[textList], days map[hours.Date][]hours.Span) {
	for i := range f.list {
		n := f.list[i].node
		date, err := hours.ParseDate(n.name)
		if err != nil {
			l.bad(finding.InvalidValue, n, "%v", err)
			continue
		}
		if _, closed := days[date]; closed {
			l.bad(finding.ListedTwice, n, "is also listed in closed")
		}
		if len(f.list[i].list) == 0 {
			l.bad(finding.EmptyValue, n, "has no spans; list the date in closed")
		}
		for j := range f.list[i].list {
			span, err := hours.ParseSpan(f.list[i].list[j].value)
			if !l.reportInvalid(f.list[i].list[j].node, err) {
				days[date] = append(days[date], span)
			}
		}
	}
}

// zone returns a time zone, or nil if the setting is absent or invalid.
func (l *loader) zone(f *setting[string]) *time.Location {
	if f.node.kind == absent {
		return nil
	}
	zone, err := hours.LoadZone(f.value)
	l.reportInvalid(f.node, err)
	return zone
}

// reportInvalid returns true if err is not nil. It then reports a problem with the value, unless the value is
// malformed.
func (l *loader) reportInvalid(n *node, err error) bool {
	switch {
	case err == nil:
		return false
	case n.resolved.secret:
		l.bad(finding.InvalidValue, n, "%s is not valid", n.quote())
	default:
		l.bad(finding.InvalidValue, n, "%v", err)
	}
	return true
}

// title checks the title of a channel.
func (l *loader) title(f *setting[nonEmpty]) string {
	title := string(f.value)
	l.require(text.OneLine(title) == title && utf8.RuneCountInString(title) <= maxTitle, f.node,
		"must be one line of at most %d characters", maxTitle)
	return title
}
