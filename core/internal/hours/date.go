package hours

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Date is a day of the calendar.
type Date struct {
	year  int
	month time.Month
	day   int
}

// ParseDate reads a date such as 2026-12-25.
func ParseDate(s string) (Date, error) {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%s is not a date; write the year, the month and the day: 2026-12-25", strconv.Quote(s))
	}
	return dateOf(at), nil
}

func dateOf(at time.Time) Date {
	year, month, day := at.Date()
	return Date{year, month, day}
}

func (d Date) utc() time.Time { return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC) }

func (d Date) add(days int) Date { return dateOf(d.utc().AddDate(0, 0, days)) }

func (d Date) weekday() time.Weekday { return d.utc().Weekday() }

// LoadZone returns the time zone of a name such as Asia/Shanghai. It needs no files of the operating system.
func LoadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("write the name of a time zone, such as Asia/Shanghai, Europe/Berlin or UTC")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("there is no time zone %s; examples are Asia/Shanghai, Europe/Berlin and UTC",
			strconv.Quote(name))
	}
	return zone, nil
}
