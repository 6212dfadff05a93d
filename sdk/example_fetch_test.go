package sdk_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// archive fetches media with the vendor's credentials.
type archive struct {
	http    *http.Client // sdk.Host.Media
	address string
	token   sdk.Secret
}

func (a *archive) Fetch(ctx context.Context, f *sdk.FetchRequest) (*sdk.Medium, error) {
	const op = "fetch medium"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.address+"/media/"+f.Part.Ref, nil)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindPermanent, Op: op, Err: err}
	}
	req.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, sdk.FromTransport(op, err)
	}
	if resp.StatusCode == http.StatusNotFound {
		resp.Body.Close()
		return nil, &sdk.Error{Kind: sdk.KindGone, Op: op, Text: "the medium has expired", Status: resp.StatusCode}
	}
	if e := sdk.FromStatus(op, resp.StatusCode, resp.Header); e != nil {
		resp.Body.Close()
		return nil, e
	}
	return &sdk.Medium{
		ContentType: resp.Header.Get("Content-Type"), Size: max(resp.ContentLength, 0), Body: resp.Body,
	}, nil
}

func ExampleFetcher() {
	mux := http.NewServeMux()
	mux.HandleFunc("/media/cat", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "meow")
	})
	vendor := httptest.NewServer(mux)
	defer vendor.Close()
	adapter := &archive{http: vendor.Client(), address: vendor.URL, token: sdk.NewSecret("4711")}
	for _, ref := range []string{"cat", "dog"} {
		medium, err := adapter.Fetch(context.Background(), &sdk.FetchRequest{
			Channel: "web", Part: envelope.Part{Type: envelope.PartImage, Ref: ref},
		})
		if err != nil {
			fmt.Println(err)
			continue
		}
		content, err := io.ReadAll(medium.Body)
		medium.Body.Close()
		fmt.Println(medium.ContentType, medium.Size, string(content), err)
	}
	// Output:
	// image/png 4 meow <nil>
	// fetch medium: gone: the medium has expired [HTTP 404]
}
