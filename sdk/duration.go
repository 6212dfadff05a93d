package sdk

import (
	"fmt"
	"time"
)

// Duration is a setting written as "5s" or "1h30m". A field of type time.Duration is written the same
// way in settings; Duration also keeps that form when other code marshals it.
type Duration time.Duration

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String returns the form that UnmarshalText reads.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText returns the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads time.ParseDuration's form.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write it like 5s or 1h30m", b)
	}
	*d = Duration(v)
	return nil
}
