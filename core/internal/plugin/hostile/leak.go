package main

import (
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"patchbay/sdk"
)

// leak shows the channel's token in every way that an adapter has for texts.
func (a *adapter) leak(path string) error {
	token := *a.token.Load()
	switch path {
	case "/leak-crash":
		go func() { panic("cannot call with " + token) }()
		select {}
	case "/leak-exit":
		fmt.Fprintln(os.Stderr, "fatal: bad token", token)
		os.Exit(9)
	case "/leak-log":
		slog.Warn("leaked "+token, token, "key", "url", "http://x/?t="+url.QueryEscape(token), slog.Group("g", "deep", token),
			"error", fmt.Errorf("bad %s", token), "list", []string{token})
		fmt.Fprintln(os.Stderr, "stray "+token)
		fmt.Println("printed", token)
		fmt.Println(strings.Repeat("x", 500), token)
	case "/leak-cut":
		return &sdk.Error{Kind: sdk.KindTransient, Op: "post", Text: strings.Repeat("x", 1000) + token + token + token}
	}
	return &sdk.Error{
		Kind: sdk.KindTransient, Op: "post " + token, Text: "get /?t=" + url.QueryEscape(token), Code: token, Reason: token,
		Field: token,
	}
}
