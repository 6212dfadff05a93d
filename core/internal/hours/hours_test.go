package hours

import (
	"testing"
	"time"
)

// parse returns the hours of a zone. Each list in days is a date and its spans. A date without spans is closed.
func parse(t testing.TB, zone string, open []string, days ...[]string) *Hours {
	t.Helper()
	location, err := LoadZone(zone)
	if err != nil {
		t.Fatal(err)
	}
	var week []Weekly
	for _, s := range open {
		w, err := ParseWeekly(s)
		if err != nil {
			t.Fatal(err)
		}
		week = append(week, w)
	}
	dates := map[Date][]Span{}
	for _, list := range days {
		d, err := ParseDate(list[0])
		if err != nil {
			t.Fatal(err)
		}
		dates[d] = nil
		for _, s := range list[1:] {
			span, err := ParseSpan(s)
			if err != nil {
				t.Fatal(err)
			}
			dates[d] = append(dates[d], span)
		}
	}
	return New(location, week, dates)
}

// instant parses a time with an offset from UTC. The offset distinguishes the two times of a repeated hour.
func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04 -0700", s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestASpanHasItsStartAndNotItsEnd(t *testing.T) {
	h := parse(t, "Asia/Shanghai", []string{"mon-fri 09:00-18:00", "sat 10:00-14:00"})
	for at, want := range map[string]bool{
		"2026-03-02 08:59 +0800": false, "2026-03-02 09:00 +0800": true, "2026-03-02 17:59 +0800": true,
		"2026-03-02 18:00 +0800": false, "2026-03-07 13:59 +0800": true, "2026-03-07 14:00 +0800": false,
		"2026-03-08 12:00 +0800": false, "2026-03-02 01:00 +0000": true, "2026-03-02 00:59 +0000": false,
	} {
		if got := h.Open(instant(t, at)); got != want {
			t.Errorf("open at %s: %v, want %v", at, got, want)
		}
	}
}

func TestASpanBelongsToTheDayItBeginsOn(t *testing.T) {
	h := parse(t, "Europe/Berlin", []string{"fri 22:00-06:00", "sat 10:00-14:00", "sun-mon 08:00-09:00"},
		[]string{"2026-03-07"})
	for at, want := range map[string]bool{
		"2026-03-06 21:59 +0100": false, "2026-03-06 22:00 +0100": true, "2026-03-07 05:59 +0100": true,
		"2026-03-07 06:00 +0100": false, "2026-03-07 11:00 +0100": false, "2026-03-14 11:00 +0100": true,
		"2026-03-08 08:30 +0100": true, "2026-03-09 08:30 +0100": true, "2026-03-10 08:30 +0100": false,
	} {
		if got := h.Open(instant(t, at)); got != want {
			t.Errorf("open at %s: %v, want %v", at, got, want)
		}
	}
}

func TestDaysReplaceADatesSpans(t *testing.T) {
	h := parse(t, "UTC", []string{"mon-fri 09:00-18:00", "fri 22:00-02:00"},
		[]string{"2026-12-24", "09:00-12:00"}, []string{"2026-12-25"}, []string{"2026-12-27", "10:00-11:00", "20:00-01:00"})
	for at, want := range map[string]bool{
		"2026-12-24 11:59 +0000": true, "2026-12-24 12:00 +0000": false, "2026-12-25 10:00 +0000": false,
		"2026-12-25 23:00 +0000": false, "2026-12-26 01:00 +0000": false, "2026-12-27 10:30 +0000": true,
		"2026-12-28 00:30 +0000": true, "2026-12-28 01:00 +0000": false, "2026-12-28 09:00 +0000": true,
	} {
		if got := h.Open(instant(t, at)); got != want {
			t.Errorf("open at %s: %v, want %v", at, got, want)
		}
	}
}

func TestHoursFollowChangesOfTheClocks(t *testing.T) {
	for _, tc := range []struct {
		name, zone, open string
		from, to         string // the only period of the date
	}{
		{"Berlin: a skipped start", "Europe/Berlin", "02:30-09:00", "2026-03-29 03:00 +0200", "2026-03-29 09:00 +0200"},
		{"Berlin: a skipped end", "Europe/Berlin", "01:00-02:30", "2026-03-29 01:00 +0100", "2026-03-29 03:00 +0200"},
		{"Berlin: a repeated start", "Europe/Berlin", "02:30-09:00", "2026-10-25 02:30 +0200", "2026-10-25 09:00 +0100"},
		{"Berlin: a repeated end", "Europe/Berlin", "01:00-02:30", "2026-10-25 01:00 +0200", "2026-10-25 02:30 +0100"},
		{"Berlin: a short day", "Europe/Berlin", "00:00-24:00", "2026-03-29 00:00 +0100", "2026-03-30 00:00 +0200"},
		{"Berlin: a long night", "Europe/Berlin", "22:00-06:00", "2026-10-24 22:00 +0200", "2026-10-25 06:00 +0100"},
		{"New York: a skipped start", "America/New_York", "02:00-17:00", "2026-03-08 03:00 -0400", "2026-03-08 17:00 -0400"},
		{"New York: a repeated end", "America/New_York", "00:00-01:30", "2026-11-01 00:00 -0400", "2026-11-01 01:30 -0500"},
		{"Lord Howe: half an hour skipped", "Australia/Lord_Howe", "02:10-09:00", "2026-10-04 02:30 +1100",
			"2026-10-04 09:00 +1100"},
		{"Lord Howe: half an hour repeated", "Australia/Lord_Howe", "01:45-09:00", "2026-04-05 01:45 +1100",
			"2026-04-05 09:00 +1030"},
		{"Cairo: midnight skipped", "Africa/Cairo", "00:00-08:00", "2026-04-24 01:00 +0300", "2026-04-24 08:00 +0300"},
		{"Cairo: the last hour repeated", "Africa/Cairo", "20:00-23:30", "2026-10-29 20:00 +0300", "2026-10-29 23:30 +0200"},
		{"Santiago: a whole day without midnight", "America/Santiago", "00:00-24:00", "2026-09-06 01:00 -0300",
			"2026-09-07 00:00 -0300"},
		{"Shanghai: no change", "Asia/Shanghai", "09:00-18:00", "2026-03-29 09:00 +0800", "2026-03-29 18:00 +0800"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			from, to := instant(t, tc.from), instant(t, tc.to)
			h := parse(t, tc.zone, []string{"mon 00:00-00:01"})
			span, err := ParseSpan(tc.open)
			if err != nil {
				t.Fatal(err)
			}
			h.days[dateOf(from.In(h.zone))] = []Span{span}
			if start, end := h.instants(dateOf(from.In(h.zone)), span); !start.Equal(from) || !end.Equal(to) {
				t.Fatalf("from %v to %v, want from %v to %v", start.In(h.zone), end.In(h.zone), from, to)
			}
			for at := from.Add(-2 * time.Hour); at.Before(to.Add(2 * time.Hour)); at = at.Add(10 * time.Minute) {
				if at.In(h.zone).Weekday() == time.Monday {
					continue
				}
				if got, want := h.Open(at), !at.Before(from) && at.Before(to); got != want {
					t.Errorf("open at %v: %v, want %v", at.In(h.zone), got, want)
				}
			}
		})
	}
}

func TestASpanThatIsSkippedAsAWholeIsNeverOpen(t *testing.T) {
	h := parse(t, "Europe/Berlin", []string{"sun 02:10-02:50"})
	if got, want := h.Next(instant(t, "2026-03-28 12:00 +0100")), instant(t, "2026-04-05 02:10 +0200"); !got.Equal(want) {
		t.Errorf("next opening %v, want %v", got, want)
	}
	apia := parse(t, "Pacific/Apia", []string{"fri 09:00-18:00"}) // Samoa skipped 2011-12-30, a Friday
	if got, want := apia.Next(instant(t, "2011-12-28 12:00 -1000")), instant(t, "2012-01-06 09:00 +1400"); !got.Equal(want) {
		t.Errorf("next opening %v, want %v", got, want)
	}
}

func TestNextIsTheFirstOpenInstant(t *testing.T) {
	h := parse(t, "Asia/Shanghai", []string{"mon-fri 09:00-12:00", "mon-fri 13:00-18:00", "fri 22:00-02:00"},
		[]string{"2026-12-25"}, []string{"2026-12-27", "14:00-15:00"})
	for from, want := range map[string]string{
		"2026-12-21 08:00 +0800": "2026-12-21 09:00 +0800", "2026-12-21 09:30 +0800": "2026-12-21 09:30 +0800",
		"2026-12-21 12:00 +0800": "2026-12-21 13:00 +0800", "2026-12-24 18:00 +0800": "2026-12-27 14:00 +0800",
		"2026-12-27 15:00 +0800": "2026-12-28 09:00 +0800", "2027-01-02 01:00 +0800": "2027-01-02 01:00 +0800",
		"2027-01-01 18:00 +0800": "2027-01-01 22:00 +0800",
	} {
		if got := h.Next(instant(t, from)); !got.Equal(instant(t, want)) {
			t.Errorf("from %s: %v, want %s", from, got, want)
		}
	}
}

func TestClosedIsTheTimeOutsideTheHours(t *testing.T) {
	h := parse(t, "Europe/Berlin", []string{"mon-fri 09:00-18:00", "fri 22:00-02:00"}, []string{"2026-03-30"})
	for _, tc := range []struct {
		from, to string
		want     time.Duration
	}{
		{"2026-03-02 10:00 +0100", "2026-03-02 17:00 +0100", 0},
		{"2026-03-02 17:00 +0100", "2026-03-02 19:00 +0100", time.Hour},
		{"2026-03-02 17:00 +0100", "2026-03-03 10:00 +0100", 15 * time.Hour},
		{"2026-03-02 20:00 +0100", "2026-03-02 21:00 +0100", time.Hour},
		{"2026-03-06 17:00 +0100", "2026-03-09 10:00 +0100", 59 * time.Hour},
		{"2026-03-27 21:00 +0100", "2026-03-31 09:00 +0200", 79 * time.Hour}, // without the skipped hour and the closed Monday
		{"2026-03-02 19:00 +0100", "2026-03-02 18:00 +0100", 0},
	} {
		if got := h.Closed(instant(t, tc.from), instant(t, tc.to)); got != tc.want {
			t.Errorf("from %s to %s: %v, want %v", tc.from, tc.to, got, tc.want)
		}
	}
}

func TestWholeDaysLeaveNoGapAtMidnight(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe", "UTC"} {
		h := parse(t, zone, []string{"00:00-24:00"})
		at := instant(t, "2026-01-01 00:00 +0000")
		for end := at.AddDate(1, 0, 0); at.Before(end); at = at.Add(5 * time.Minute) {
			if !h.Open(at) {
				t.Fatalf("%s: not open at %v", zone, at.In(h.zone))
			}
		}
	}
}

func TestLoadZone(t *testing.T) {
	for _, name := range []string{"Asia/Shanghai", "America/Sao_Paulo", "UTC"} {
		if _, err := LoadZone(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "Local", "Europe/Berln"} {
		if _, err := LoadZone(name); err == nil {
			t.Errorf("time zone %q was accepted", name)
		}
	}
}
