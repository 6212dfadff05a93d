package backoff_test

import (
	"fmt"
	"time"

	"patchbay/sdk/backoff"
)

func ExamplePolicy_Delay() {
	policy := backoff.Policy{Base: 200 * time.Millisecond, Max: time.Second}
	for attempt := range 5 {
		fmt.Println(policy.Delay(attempt))
	}
	// Output:
	// 200ms
	// 400ms
	// 800ms
	// 1s
	// 1s
}
