package hours

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseWeekly(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"mon-fri 09:00-18:00", "mon tue wed thu fri 540-1080"},
		{"sat 10:00-14:00", "sat 600-840"},
		{"sat-mon", "sat sun mon 0-1440"},
		{"sat-mon 08:00-09:30", "sat sun mon 480-570"},
		{"fri 22:00-06:00", "fri 1320-1800"},
		{"00:00-24:00", "sun mon tue wed thu fri sat 0-1440"},
		{"22:00-00:00", "sun mon tue wed thu fri sat 1320-1440"},
		{" Mon-FRI  09:00-18:00 ", "mon tue wed thu fri 540-1080"},
		{"", `"" is not a span of a week; write it as mon-fri 09:00-18:00`},
		{"mon-fri 9-18", `"9-18" is not a span of a day; write it as 09:00-18:00`},
		{"mon-fri 9:00-18:00", `"9:00-18:00" is not a span of a day; write it as 09:00-18:00`},
		{"monday 09:00-18:00", `"monday" is not a day; days are mon, tue, wed, thu, fri, sat and sun`},
		{"mon-tuesday", `"tuesday" is not a day; days are mon, tue, wed, thu, fri, sat and sun`},
		{"mon 25:00-26:00", `"25:00-26:00" is not a span of a day; write it as 09:00-18:00`},
		{"mon 20:00-24:30", `"20:00-24:30" has a time that does not exist; a day is from 00:00 to 24:00`},
		{"mon 24:00-06:00", `"24:00-06:00" has a time that does not exist; a day is from 00:00 to 24:00`},
		{"mon 09:00-09:00", `"09:00-09:00" ends when it starts; a whole day is 00:00-24:00`},
		{"mon 09:00-18:00, tue", `"mon 09:00-18:00, tue" has a comma; write several spans as a list`},
		{"mon 09:00 - 18:00", `"mon 09:00 - 18:00" is not a span of a week; write it as mon-fri 09:00-18:00`},
	} {
		w, err := ParseWeekly(tc.text)
		got := ""
		if err != nil {
			got = strings.ToLower(err.Error())
		} else {
			for _, day := range w.days {
				got += WeekdayName(day) + " "
			}
			got += fmt.Sprintf("%d-%d", w.span.from, w.span.to)
		}
		if diff := cmp.Diff(strings.ToLower(tc.want), got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", tc.text, diff)
		}
	}
}

func TestOverlaps(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"mon-fri 09:00-18:00", "fri 09:00-16:00", true}, {"mon-fri 09:00-12:00", "mon-fri 12:00-18:00", false},
		{"mon-fri 09:00-18:00", "sat 09:00-16:00", false}, {"00:00-24:00", "tue", true},
	} {
		a, _ := ParseWeekly(tc.a)
		b, _ := ParseWeekly(tc.b)
		if a.Overlaps(b) != tc.want || b.Overlaps(a) != tc.want {
			t.Errorf("%s and %s: want overlap %v", tc.a, tc.b, tc.want)
		}
	}
}

func TestParseDate(t *testing.T) {
	if d, err := ParseDate("2028-02-29"); err != nil || d != (Date{2028, time.February, 29}) {
		t.Errorf("ParseDate() = %v, %v", d, err)
	}
	for _, s := range []string{"", "2026-02-29", "25.12.2026", "2026-12-25T00:00:00Z", "12-25"} {
		if _, err := ParseDate(s); err == nil {
			t.Errorf("date %q was accepted", s)
		}
	}
}

// FuzzParseWeekly checks that accepted hours open within two weeks, and that Next and Open agree.
func FuzzParseWeekly(f *testing.F) {
	for _, s := range []string{"mon-fri 09:00-18:00", "sat-mon", "00:00-24:00", "fri 22:00-06:00", "mon 02:00-02:30", "x"} {
		f.Add(s, int64(1774746000), uint8(0))
	}
	zones := []string{"UTC", "Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe", "America/Santiago", "Asia/Shanghai"}
	f.Fuzz(func(t *testing.T, s string, unix int64, zone uint8) {
		w, err := ParseWeekly(s)
		if err != nil {
			return
		}
		location, err := LoadZone(zones[int(zone)%len(zones)])
		if err != nil {
			t.Fatal(err)
		}
		h := New(location, []Weekly{w}, nil)
		at := time.Unix(unix%(1<<32), 0)
		next := h.Next(at)
		if next.Before(at) || next.After(at.AddDate(0, 0, 15)) || !h.Open(next) {
			t.Fatalf("%q opens at %v, after %v", s, next.In(location), at.In(location))
		}
		if before := next.Add(-time.Second); before.After(at) && h.Open(before) {
			t.Fatalf("%q is open before its next opening, at %v", s, before.In(location))
		}
	})
}
