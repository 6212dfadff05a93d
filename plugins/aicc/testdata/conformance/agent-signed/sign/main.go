// Command sign signs pushes for the conformance suite as the simulated AICC does. It reads each call as a line of JSON
// and writes its Authorization header (auth-v2).
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	simulator "patchbay/sandbox/aicc"
)

// accessKey is the access_key of channel.yaml.
const accessKey = "examAccessKey01"

// secretKeys are the secret_key of each channel in channel.yaml; signed-2 is the second channel.
var secretKeys = map[string]string{
	"signed":   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ",
	"signed-2": "QPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba",
}

// call contains the signed fields of a call.
type call struct {
	Channel                   string
	Time                      time.Time
	Method, Host, Path, Query string
	Header                    map[string]string
	Body                      []byte
}

func main() {
	if err := sign(json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, "sign:", err)
		os.Exit(1)
	}
}

func sign(in *json.Decoder, out *json.Encoder) error {
	for {
		var c call
		if err := in.Decode(&c); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read a call: %w", err)
		}
		signed := map[string]string{"host": c.Host, "content-type": c.Header["Content-Type"]}
		header := simulator.Authorization(accessKey, secretKeys[c.Channel], c.Method, c.Path+query(c.Query),
			c.Time.UTC().Format("2006-01-02T15:04:05Z"),
			signed, c.Body)
		if err := out.Encode(map[string]any{"header": map[string]string{"Authorization": header}}); err != nil {
			return fmt.Errorf("write the header: %w", err)
		}
	}
}

// query returns a newline and the query line of a canonical request, or "" without a query.
func query(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs []string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, percentEncode(name)+"="+percentEncode(value))
	}
	slices.Sort(pairs)
	return "\n" + strings.Join(pairs, "&")
}

// percentEncode encodes every byte of a query's text except letters, digits and -._~ as %XX. It returns malformed text
// unchanged.
func percentEncode(s string) string {
	plain, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return strings.ReplaceAll(url.QueryEscape(plain), "+", "%20")
}
