package webhook

import (
	"net/http"
	"testing"
	"time"
)

func TestEqual(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{{"x", "x", true}, {"x", "y", false}, {"", "", false}, {"x", "", false}, {"", "x", false}, {"xx", "x", false}} {
		if got := Equal(tc.a, tc.b); got != tc.want {
			t.Errorf("Equal(%q, %q) = %v", tc.a, tc.b, got)
		}
	}
}

func TestBearerToken(t *testing.T) {
	for name, tc := range map[string]struct {
		values []string
		want   string
	}{
		"usual":        {[]string{"Bearer abc"}, "abc"},
		"lower case":   {[]string{"bearer abc"}, "abc"},
		"spaces":       {[]string{"  Bearer   abc "}, "abc"},
		"none":         {nil, ""},
		"empty":        {[]string{"Bearer "}, ""},
		"other scheme": {[]string{"Basic abc"}, ""},
		"no scheme":    {[]string{"abc"}, ""},
		"two words":    {[]string{"Bearer a b"}, ""},
		"scheme alone": {[]string{"Bearer"}, ""},
		"scheme twice": {[]string{"Bearer Bearer abc"}, ""},
		"two in one":   {[]string{"Bearer other, Bearer abc"}, ""},
		"two headers":  {[]string{"Bearer a", "Bearer b"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := BearerToken(http.Header{"Authorization": tc.values}); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	for name, tc := range map[string]struct {
		values              []string
		scheme, credentials string
	}{
		"usual":          {[]string{"Bearer abc"}, "bearer", "abc"},
		"lower case":     {[]string{"basic abc"}, "basic", "abc"},
		"upper case":     {[]string{"BASIC Abc"}, "basic", "Abc"},
		"spaces":         {[]string{"  Bearer   abc  "}, "bearer", "abc"},
		"spaces inside":  {[]string{"Bearer a  b"}, "bearer", "a  b"},
		"newline":        {[]string{"Bearer abc\n"}, "bearer", "abc\n"},
		"tab":            {[]string{"Bearer\tabc"}, "", ""},
		"none":           {nil, "", ""},
		"scheme alone":   {[]string{"Bearer"}, "", ""},
		"no credentials": {[]string{"Bearer "}, "", ""},
		"two headers":    {[]string{"Bearer a", "Basic b"}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			scheme, credentials := Credentials(http.Header{"Authorization": tc.values})
			if scheme != tc.scheme || credentials != tc.credentials {
				t.Errorf("got %q, %q", scheme, credentials)
			}
		})
	}
}

func TestWithinWindow(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		at   time.Time
		want bool
	}{
		"now":           {now, true},
		"oldest":        {now.Add(-5 * time.Minute), true},
		"too old":       {now.Add(-5*time.Minute - 1), false},
		"fast clock":    {now.Add(5 * time.Minute), true},
		"in the future": {now.Add(5*time.Minute + 1), false},
		"zero":          {time.Time{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := WithinWindow(tc.at, now, 5*time.Minute); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
