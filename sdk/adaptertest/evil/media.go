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

// Fetch implements sdk.Fetcher: a number gives so many bytes, "/exit" ends the process in the middle.
func (a *adapter) Fetch(_ context.Context, f *sdk.FetchRequest) (*sdk.Medium, error) {
	if f.Part.Ref == "/exit" {
		return &sdk.Medium{Body: io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), exiting{}))}, nil
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
