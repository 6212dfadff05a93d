package envelope

import (
	"regexp"
	"strings"
	"testing"
)

// The values must not change, because vendors identify customers by them.
func TestShortIDIsStable(t *testing.T) {
	for want, parts := range map[string][]string{
		"e3b0c44298fc1c149afbf4c8996fb924": nil,
		"6e340b9cffb37a989ca544e6bb780a2c": {""},
		"3d23524d01e18c40891d30c465a0578d": {"web", "42"},
	} {
		if got := ShortID(parts...); got != want {
			t.Errorf("ShortID(%q) = %s, want %s", parts, got, want)
		}
	}
}

func FuzzShortID(f *testing.F) {
	f.Add("ab", "c")
	f.Add("", "")
	f.Add("Grüße", "\xff")
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.Contains(a+b, "\x00") {
			t.Skip("zero bytes are separators")
		}
		id := ShortID(a, b)
		if !form.MatchString(id) || id != ShortID(a, b) {
			t.Fatalf("ShortID(%q, %q) = %q", a, b, id)
		}
		if a != "" && id == ShortID(a[:len(a)-1], a[len(a)-1:]+b) {
			t.Errorf("the boundary between %q and %q is ambiguous", a, b)
		}
		if id == ShortID(a+b) {
			t.Errorf("one string and two have the same id: %q, %q", a, b)
		}
	})
}
