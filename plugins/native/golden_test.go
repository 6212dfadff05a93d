package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestReceiveGolden translates every example in testdata/in: calls of a website.
func TestReceiveGolden(t *testing.T) {
	a := configured(t, map[string]string{"livechat": livechat}, nil)
	eachExample(t, "testdata/in", func(t *testing.T, body []byte) []byte {
		return received(t, a, request(string(body)))
	})
}

// TestReceiveAnswerGolden translates every example in testdata/in/bot: answers of a far end.
func TestReceiveAnswerGolden(t *testing.T) {
	a := withBots(t, configured(t, nil, nil), map[string]string{"faq": faq, "relay": relay}, nil)
	eachExample(t, "testdata/in/bot", func(t *testing.T, body []byte) []byte {
		channel := "faq"
		if bytes.Contains(body, []byte(`"vendorMessageId"`)) {
			channel = "relay"
		}
		return received(t, a, answer(t, channel, string(body)))
	})
}

// received writes what a call comes to as text.
func received(t *testing.T, a *adapter, req *sdk.Request) []byte {
	t.Helper()
	got, err := a.Receive(t.Context(), req)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	for _, e := range got.Envelopes {
		if err := e.Validate(); err != nil {
			t.Errorf("envelope is not valid: %v", err)
		}
	}
	type shown struct { // Raw as text
		*envelope.Envelope
		Raw json.RawMessage `json:"raw,omitempty"`
	}
	var envelopes []shown
	for _, e := range got.Envelopes {
		envelopes = append(envelopes, shown{e, e.Raw})
	}
	out, err := json.MarshalIndent(struct {
		Answer    string  `json:"answer"`
		Envelopes []shown `json:"envelopes"`
	}{
		fmt.Sprintf("%d %s %s", got.Answer.Status, got.Answer.ContentType, got.Answer.Body),
		envelopes,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// TestDeliverGolden sends every delivery in testdata/out and compares the call that the website sees.
func TestDeliverGolden(t *testing.T) {
	var seen bytes.Buffer
	srv := recorder(t, &seen)
	a := configured(t, map[string]string{"livechat": replyingTo(srv.URL + "/replies?site=7")}, srv.Client())
	eachExample(t, "testdata/out", func(t *testing.T, example []byte) []byte {
		return delivered(t, a, &seen, readDelivery(t, example))
	})
}

// TestDeliverQuestionGolden sends every delivery in testdata/out/bot and compares the call that the far end sees.
func TestDeliverQuestionGolden(t *testing.T) {
	var seen bytes.Buffer
	srv := recorder(t, &seen)
	a := withBots(t, configured(t, nil, nil), map[string]string{
		"faq":   strings.Replace(faq, "https://proxy.example", srv.URL, 1),
		"relay": strings.Replace(relay, "https://relay.example", srv.URL, 1),
		"named": strings.Replace(faq, `"https://proxy.example"`, `"`+srv.URL+`/","target_agents":["example_qa","second"]`, 1),
	}, srv.Client())
	eachExample(t, "testdata/out/bot", func(t *testing.T, example []byte) []byte {
		return delivered(t, a, &seen, readDelivery(t, example))
	})
}

func recorder(t *testing.T, seen *bytes.Buffer) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeCall(seen, r)
		_, _ = io.WriteString(w, "thanks, this is not JSON")
	}))
	t.Cleanup(srv.Close)
	return srv
}

// delivered writes what a delivery comes to as text.
func delivered(t *testing.T, a *adapter, seen *bytes.Buffer, d *sdk.Delivery) []byte {
	t.Helper()
	seen.Reset()
	receipt, err := a.Deliver(t.Context(), d)
	if err != nil {
		t.Fatalf("Deliver: %v", err)
	}
	fmt.Fprintf(seen, "\ndegraded: %q\n", receipt.Degraded)
	return bytes.Clone(seen.Bytes())
}

// replyingTo is the settings of a channel with a reply token, which signs.
func replyingTo(address string) string {
	return strings.Replace(livechat, `"https://site.example/replies"`, `"`+address+`","reply_token":"site-secret","reply_secret":"`+
		testSecret+`"`, 1)
}

func readDelivery(t testing.TB, example []byte) *sdk.Delivery {
	t.Helper()
	d := struct {
		Channel  string             `json:"channel"`
		Thread   string             `json:"thread"`
		Envelope *envelope.Envelope `json:"envelope"`
	}{Channel: "livechat"}
	if err := json.Unmarshal(example, &d); err != nil {
		t.Fatal(err)
	}
	return &sdk.Delivery{Channel: d.Channel, Key: testKey, Attempt: 1, Thread: d.Thread, Envelope: d.Envelope}
}

// writeCall writes a request as text, without the headers of the transport, secrets replaced.
func writeCall(w io.Writer, r *http.Request) {
	fmt.Fprintf(w, "%s %s\n", r.Method, r.RequestURI)
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		switch name {
		case "User-Agent", "Accept-Encoding", "Content-Length":
		default:
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		value := strings.Join(r.Header[name], " | ")
		value = strings.ReplaceAll(value, "site-secret", "(reply token)")
		fmt.Fprintf(w, "%s: %s\n", name, value)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fmt.Fprintf(w, "\nbody: %v\n", err)
		return
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, body, "", "  "); err != nil {
		indented.Write(body)
	}
	fmt.Fprintf(w, "\n%s\n", bytes.ReplaceAll(indented.Bytes(), []byte(testToken), []byte("(access token)")))
}

// eachExample runs translate on every .json file of a folder and compares with the .golden file beside it.
func eachExample(t *testing.T, folder string, translate func(t *testing.T, example []byte) []byte) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples in %s (%v)", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			example, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := translate(t, example)
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if errors.Is(err, os.ErrNotExist) {
				t.Fatalf("%s is missing; look at the output and write it with -update:\n%s", golden, got)
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", golden, diff)
			}
		})
	}
}
