package sdk_test

import (
	"fmt"
	"net/http"

	"patchbay/sdk"
)

func ExampleFromStatus() {
	for _, status := range []int{200, 401, 404, 413, 429, 503} {
		header := http.Header{"Retry-After": {"5"}}
		if e := sdk.FromStatus("send message", status, header); e != nil {
			fmt.Println(status, e.Kind, e.After)
		}
	}
	// Output:
	// 401 unauthorized 0s
	// 404 permanent 0s
	// 413 unsupported 0s
	// 429 throttled 5s
	// 503 transient 5s
}
