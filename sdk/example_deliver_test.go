package sdk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/go-json-experiment/json"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// poster posts messages to a vendor's API.
type poster struct {
	http    *http.Client // sdk.Host.HTTP
	address string
	token   sdk.Secret
}

func (a *poster) Deliver(ctx context.Context, d *sdk.Delivery) (*sdk.Receipt, error) {
	const op = "send message"
	body, err := json.Marshal(map[string]string{"user": d.Thread, "text": d.Envelope.Text()})
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Op: op, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.address, bytes.NewReader(body))
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Op: op, Err: err}
	}
	req.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	req.Header.Set("Idempotency-Key", d.Key)
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, sdk.FromTransport(op, err)
	}
	defer resp.Body.Close()
	if e := sdk.FromStatus(op, resp.StatusCode, resp.Header); e != nil {
		return nil, e
	}
	id, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: op, Err: err} // the vendor has the message
	}
	return &sdk.Receipt{VendorID: string(id)}, nil
}

func ExampleDeliverer() {
	calls := 0
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls > 1 {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = io.WriteString(w, "vendor-1")
	}))
	defer vendor.Close()
	adapter := &poster{http: vendor.Client(), address: vendor.URL, token: sdk.NewSecret("4711")}
	delivery := &sdk.Delivery{
		Channel: "web", Key: "019a0000-0000-7000-8000-000000000001", Attempt: 1, Thread: "ada",
		Envelope: &envelope.Envelope{Kind: envelope.KindMessage, Parts: []envelope.Part{envelope.TextPart("Hi")}},
	}

	receipt, err := adapter.Deliver(context.Background(), delivery)
	fmt.Println(receipt.VendorID, err)

	_, err = adapter.Deliver(context.Background(), delivery)
	fmt.Println(err)
	throttled, _ := errors.AsType[*sdk.Error](err)
	fmt.Println("the gateway retries after", throttled.After)
	// Output:
	// vendor-1 <nil>
	// send message: throttled [HTTP 429]
	// the gateway retries after 30s
}
