package httpclient_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"

	"patchbay/sdk/httpclient"
)

func ExampleNew() {
	internal := httptest.NewServer(http.NotFoundHandler())
	defer internal.Close()
	get := func(allow ...netip.Prefix) (*http.Response, error) {
		client := httpclient.New(allow)
		defer client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, internal.URL, nil)
		if err != nil {
			return nil, err
		}
		return client.Do(req)
	}

	_, err := get()
	urlErr, _ := errors.AsType[*url.Error](err)
	fmt.Println(errors.Is(err, httpclient.ErrForbiddenAddress), errors.Unwrap(urlErr.Err))

	resp, err := get(netip.MustParsePrefix("127.0.0.0/8"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// true target address is not public: 127.0.0.1 (loopback); to call it, add it to the channel's allow list, like allow: [127.0.0.1/32]
	// 404 Not Found
}
