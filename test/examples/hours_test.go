package examples

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"patchbay/core/conversationtest"
)

// changeAfter is the minimum time from the start of a test to the minute at which its channel opens or closes.
const changeAfter = 40 * time.Second

// exampleHours contains the opening hours of an example's channel. The built gateway has no virtual time, so that it
// gets other hours than the example: the channel is open now if it is open at the first step of the test. If it opens
// or closes before a later step, it opens or closes within two minutes. The test waits only for this change.
type exampleHours struct {
	channel string
	open    []bool    // whether the channel is open, by step
	change  time.Time // when the channel opens or closes; zero if it does not
	next    int       // index of the next step
}

// hoursSetting is the value of hours in a configuration.
type hoursSetting struct {
	Open   yaml.Node
	Zone   string
	Closed []string
	Days   map[string]yaml.Node
}

// newExampleHours returns the hours for a test, and the value of hours that replaces the example's value. If the date
// of the first step is in closed or days of the example, the dates around today are there in the new value.
func newExampleHours(
	t *testing.T, channel string, setting *yaml.Node, test *conversationtest.Test,
) (*exampleHours, string) {
	t.Helper()
	var h hoursSetting
	if err := setting.Decode(&h); err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		t.Fatal(err)
	}
	x := &exampleHours{channel: channel}
	now, first := test.Start, ""
	for i := range test.Steps {
		if at := test.Steps[i].At; at != nil {
			now, _ = at.Next(now)
		}
		now = now.Add(test.Steps[i].After)
		if i == 0 {
			first = now.In(zone).Format(time.DateOnly)
		} else if x.change.IsZero() && h.covers(t, now.In(zone)) != x.open[i-1] {
			x.change = time.Now().Add(changeAfter + time.Minute).UTC().Truncate(time.Minute)
		}
		x.open = append(x.open, h.covers(t, now.In(zone)))
	}
	span, today := x.span(), time.Now().UTC()
	var dates []string // yesterday, today and tomorrow: a span may begin on the day before
	for day := -1; day <= 1; day++ {
		dates = append(dates, today.AddDate(0, 0, day).Format(time.DateOnly))
	}
	switch {
	case slices.Contains(h.Closed, first) && x.change.IsZero():
		return x, fmt.Sprintf(`{zone: UTC, open: "00:00-24:00", closed: [%s]}`, strings.Join(dates, ", "))
	case h.Days[first].Kind != 0:
		return x, fmt.Sprintf(`{zone: UTC, open: "00:00-24:00", days: {%s: %q, %s: %q, %s: %q}}`,
			dates[0], span, dates[1], span, dates[2], span)
	}
	return x, fmt.Sprintf("{zone: UTC, open: %q}", span)
}

// span returns the opening hours of a day. The channel is open now if it is open at the first step, and opens or closes
// at x.change.
func (x *exampleHours) span() string {
	open, now := x.open[0], time.Now().UTC()
	from, to := now.Add(6*time.Hour), now.Add(7*time.Hour)
	switch {
	case x.change.IsZero() && open:
		return "00:00-24:00"
	case open:
		from, to = x.change.Add(-12*time.Hour), x.change
	case !x.change.IsZero():
		from, to = x.change, x.change.Add(12*time.Hour)
	}
	return from.Format("15:04-") + to.Format("15:04")
}

// covers reports whether the channel is open at a local time.
func (h *hoursSetting) covers(t *testing.T, local time.Time) bool {
	date := local.Format(time.DateOnly)
	spans := h.Open
	if other, ok := h.Days[date]; ok {
		spans = other
	} else if slices.Contains(h.Closed, date) {
		return false
	}
	texts := []string{spans.Value}
	if spans.Kind == yaml.SequenceNode {
		if err := spans.Decode(&texts); err != nil {
			t.Fatal(err)
		}
	}
	return slices.ContainsFunc(texts, func(text string) bool { return covers(t, text, local) })
}

// covers reports whether a local time is in a span such as "mon-fri 09:00-18:00".
func covers(t *testing.T, span string, local time.Time) bool {
	week := []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	fields := strings.Fields(span)
	from, to, _ := strings.Cut(fields[len(fields)-1], "-")
	if to <= from {
		t.Fatalf("the test does not support spans over midnight: %s", span)
	}
	clock := local.Format("15:04")
	if clock < from || clock >= to {
		return false
	}
	first, last, _ := strings.Cut(fields[0], "-")
	if len(fields) == 1 {
		first, last = "mon", "sun"
	} else if last == "" {
		last = first
	}
	day := (int(local.Weekday()) + 6) % 7
	return slices.Index(week, first) <= day && day <= slices.Index(week, last)
}

// await waits until the channel is open or closed as the next step needs it. It does not wait for other times, so that
// a step that expects rules after another time is not supported.
func (x *exampleHours) await(s *conversationtest.Step) error {
	i := x.next
	x.next++
	switch crosses := i > 0 && x.open[i] != x.open[i-1]; {
	case !x.change.IsZero() && x.open[i] == x.open[0] && time.Until(x.change) < 5*time.Second:
		return unsupportedError("the hours have changed before the step, or would change twice")
	case crosses:
		time.Sleep(time.Until(x.change) + 100*time.Millisecond)
	case (s.At != nil || s.After > 0) && s.From == "" && s.Expect != nil && len(s.Expect.Rules) > 0:
		return unsupportedError("its time")
	}
	return nil
}
