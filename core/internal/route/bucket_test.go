package route

import (
	"fmt"
	"testing"
)

func TestBucketIsAStableNumberForACustomerAndASalt(t *testing.T) {
	for _, tc := range []struct {
		salt, channel, customer string
		want                    int64
	}{
		{"greeting", "livechat", "u1", 55}, {"greeting", "livechat", "u2", 98}, {"other", "livechat", "u1", 69},
		{"greeting", "app", "u1", 75},
	} {
		if got := bucket(tc.salt, tc.channel, tc.customer); got != tc.want {
			t.Errorf("bucket(%q) of %q on %q = %d, want %d", tc.salt, tc.customer, tc.channel, got, tc.want)
		}
	}
}

// Of 10,000 customers, 9 % to 11 % are in the buckets below 10.
func TestBucketsHaveTheSameSize(t *testing.T) {
	for _, id := range []string{"%d", "visitor-%06d", "8f14e45f-ceea-467f-a0e6-%012d"} {
		below := 0
		for i := range 10_000 {
			if bucket("new-bot", "livechat", fmt.Sprintf(id, i)) < 10 {
				below++
			}
		}
		t.Logf("%s: %.2f %%", id, float64(below)/100)
		if below < 900 || below > 1100 {
			t.Errorf("%s: %d of 10,000 customers are in the buckets below 10", id, below)
		}
	}
}
