package main

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"

	"patchbay/sdk"
)

var _ sdk.Fetcher = (*adapter)(nil)

// Fetch implements sdk.Fetcher. A number as Ref is the size of the medium; "/exit" ends the process while the medium is
// read. Other references select a fault before the first byte; see faults.
func (a *adapter) Fetch(ctx context.Context, f *sdk.FetchRequest) (*sdk.Medium, error) {
	if f.Part.Ref == "/exit" {
		return &sdk.Medium{Body: io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), exiting{}))}, nil
	}
	if fault := faults[f.Part.Ref]; fault != nil {
		if err := fault(ctx); err != nil {
			return nil, err
		}
	}
	n, err := strconv.Atoi(f.Part.Ref)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindGone, Text: "no such medium"}
	}
	return &sdk.Medium{ContentType: "text/plain", Name: "x.txt", Size: int64(n), Body: io.NopCloser(strings.NewReader(strings.Repeat("x", n)))}, nil
}

type exiting struct{}

// Read implements io.Reader.
func (exiting) Read([]byte) (int, error) { os.Exit(9); return 0, nil }
