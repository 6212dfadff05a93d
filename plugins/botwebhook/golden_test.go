package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// TestReceiveGolden receives each call in testdata/in. The prefix of a name selects a call of hand-offs. The other
// files are calls of the message webhook.
func TestReceiveGolden(t *testing.T) {
	bot := configured(t, botJSON("https://api-sg.gptbots.ai"), nil)
	handoff := handoffChannel(t, "https://api-sg.gptbots.ai", nil)
	paths := map[string]string{"establish": establishPath, "chat": chatPath, "close": closePath}
	golden.Run(t, "testdata/in", func(t *testing.T, name string, body []byte) []byte {
		a, req := bot, request(string(body))
		prefix, _, _ := strings.Cut(name, "-")
		if path, ok := paths[prefix]; ok {
			a, req = handoff, handoffRequest(path, string(body))
		}
		got, err := a.Receive(t.Context(), req)
		if err != nil {
			t.Fatalf("Receive: %v", err)
		}
		return golden.JSON(t, struct {
			Answer    string               `json:"answer"`
			Envelopes []*envelope.Envelope `json:"envelopes"`
		}{
			fmt.Sprintf("%d %s %s", got.Response.Status, got.Response.ContentType, got.Response.Body),
			golden.Declared(t, newAdapter().Describe(), golden.Valid(t, got.Envelopes)),
		})
	})
}

// testCase is a file in testdata/out: a delivery or an opening, and the response of GPTBots.
type testCase struct {
	Role     envelope.Role              `json:"role"` // bot if absent
	Settings map[string]json.RawMessage `json:"settings"`
	Thread   string                     `json:"thread"`
	Envelope *envelope.Envelope         `json:"envelope"`
	History  []*envelope.Envelope       `json:"history"`
	Media    []*struct {
		ContentType string `json:"content_type"`
		Name        string `json:"name"`
		Content     string `json:"content"`
	} `json:"media"`
	Opening *struct {
		CustomerID string `json:"customer_id"`
		Offer      bool   `json:"offer"`
	} `json:"opening"`
	Answer struct {
		Status      int      `json:"status"`
		ContentType string   `json:"content_type"`
		Body        string   `json:"body"`
		Lines       []string `json:"lines"` // appended to the body
	} `json:"answer"`
}

func (s *testCase) configured(t *testing.T, srv *httptest.Server) *adapter {
	t.Helper()
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(botJSON(srv.URL+"/base/")), &all); err != nil {
		t.Fatal(err)
	}
	maps.Copy(all, s.Settings)
	role := s.Role
	if role == "" {
		role = envelope.RoleBot
	}
	return inRole(t, role, string(golden.JSON(t, all)), srv.Client())
}

func (s *testCase) delivery() *sdk.Delivery {
	d := &sdk.Delivery{Channel: "faq", Thread: s.Thread, Attempt: 1, Envelope: s.Envelope, History: s.History}
	for _, m := range s.Media {
		var a *sdk.Attachment
		if m != nil {
			a = sdk.NewAttachment(m.ContentType, m.Name, []byte(m.Content))
		}
		d.Media = append(d.Media, a)
	}
	return d
}

// TestDeliverGolden runs each testCase in testdata/out. It records the call to GPTBots and the result of the adapter.
func TestDeliverGolden(t *testing.T) {
	var seen bytes.Buffer
	var s testCase
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		golden.WriteRequest(&seen, r, map[string]string{testKey: "(API key)"})
		if s.Answer.ContentType != "" {
			w.Header().Set("Content-Type", s.Answer.ContentType)
		}
		w.WriteHeader(s.Answer.Status)
		_, _ = io.WriteString(w, s.Answer.Body+strings.Join(s.Answer.Lines, "\n"))
	}))
	defer srv.Close()
	golden.Run(t, "testdata/out", func(t *testing.T, _ string, input []byte) []byte {
		seen.Reset()
		s = testCase{}
		if err := json.Unmarshal(input, &s); err != nil {
			t.Fatal(err)
		}
		a := s.configured(t, srv)
		if s.Opening != nil {
			got, err := a.Open(t.Context(), &sdk.OpenRequest{Channel: "faq", CustomerID: s.Opening.CustomerID, Offer: s.Opening.Offer})
			if err != nil {
				t.Fatalf("Open: %v", err)
			}
			fmt.Fprintf(&seen, "\nthread: %q, accepted: %v\n", got.Thread, got.Accepted)
			return bytes.Clone(seen.Bytes())
		}
		got, err := a.Deliver(t.Context(), s.delivery())
		if err != nil {
			t.Fatalf("Deliver: %v", err)
		}
		fmt.Fprintf(&seen, "\nvendor id: %q, degraded: %q\n", got.VendorID, got.Degraded)
		if len(got.Replies) > 0 {
			fmt.Fprintf(&seen, "\nreplies: %s", golden.JSON(t,
				golden.Declared(t, newAdapter().Describe(), golden.Valid(t, got.Replies))))
		}
		return bytes.Clone(seen.Bytes())
	})
}
