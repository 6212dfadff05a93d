package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ByteSize is a number of bytes, written as "512MiB", "8GiB" or a plain number.
type ByteSize int64

var sizeUnits = []struct {
	suffix string
	factor int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// ParseByteSize reads a size.
func ParseByteSize(s string) (ByteSize, error) {
	factor, digits := int64(1), s
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			factor, digits = u.factor, strings.TrimSpace(rest)
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || strings.HasPrefix(digits, "+") || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("a size is a number with a unit such as 512MiB or 8GiB")
	}
	return ByteSize(n * factor), nil
}

// String returns the size in the largest binary unit that leaves no remainder.
func (b ByteSize) String() string {
	for i := 3; i >= 0; i-- {
		if u := sizeUnits[i]; b != 0 && int64(b)%u.factor == 0 {
			return strconv.FormatInt(int64(b)/u.factor, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}
