package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// testCase is a file in testdata/out: a call of the adapter and the responses of AICC.
type testCase struct {
	Settings map[string]any     `json:"settings"`
	Answers  map[string][]reply `json:"answers"`
	Open     *sdk.OpenRequest   `json:"open"`
	Deliver  *struct {
		Thread   string             `json:"thread"`
		State    string             `json:"state"`
		Attempt  int                `json:"attempt"`
		Envelope *envelope.Envelope `json:"envelope"`
		Media    []*file            `json:"media"`
	} `json:"deliver"`
	Fetch *struct {
		Thread string        `json:"thread"`
		State  string        `json:"state"`
		Part   envelope.Part `json:"part"`
	} `json:"fetch"`
}

// file is a file of a testCase or of its outcome. Its content is text, so that a reader can read it.
type file struct {
	ContentType string `json:"content_type"`
	Name        string `json:"name,omitempty"`
	Words       string `json:"words"`
	Size        int64  `json:"size,omitempty"`
}

// outcome is the result of a testCase: the calls to AICC and the result of the adapter.
type outcome struct {
	Calls    []call `json:"calls"`
	Thread   string `json:"thread,omitempty"`
	Accepted bool   `json:"accepted,omitempty"`
	State    string `json:"state,omitempty"`
	Degraded string `json:"degraded,omitempty"`
	Medium   *file  `json:"medium,omitempty"`
	Kind     string `json:"kind,omitempty"` // of the error
	Reason   string `json:"reason,omitempty"`
	Error    string `json:"error,omitempty"`
}

// rawText is an envelope with Raw as text.
type rawText struct {
	*envelope.Envelope
	Raw string `json:"raw,omitempty"`
}

func withRawText(t *testing.T, envelopes []*envelope.Envelope) []rawText {
	t.Helper()
	out := []rawText{}
	for _, e := range golden.Declared(t, newAdapter().Describe(), golden.Valid(t, envelopes)) {
		out = append(out, rawText{e, string(e.Raw)})
	}
	return out
}

// goldenJSON returns v as JSON. It fails the test if the JSON contains secrets.
func goldenJSON(t *testing.T, v any) []byte {
	t.Helper()
	b := golden.JSON(t, v)
	for _, secret := range []string{testAppSecret, testSecretKey} {
		if bytes.Contains(b, []byte(secret)) {
			t.Fatalf("the output contains a secret:\n%s", b)
		}
	}
	return b
}

func TestReceiveGolden(t *testing.T) {
	golden.Run(t, "testdata/in", func(t *testing.T, _ string, push []byte) []byte {
		r, err := deskAdapter(t).Receive(t.Context(), signedRequest(push))
		if err != nil {
			t.Fatal(err)
		}
		if string(r.Response.Body) != acceptedBody || r.Response.Status != 200 || r.Response.ContentType != jsonType {
			t.Errorf("Response = %d %s %s", r.Response.Status, r.Response.ContentType, r.Response.Body)
		}
		return goldenJSON(t, withRawText(t, r.Envelopes))
	})
}

func TestPollGolden(t *testing.T) {
	golden.Run(t, "testdata/poll", func(t *testing.T, _ string, answer []byte) []byte {
		c, err := testAdapter(t, pollingChannel(t, nil)).channel("desk")
		if err != nil {
			t.Fatal(err)
		}
		st := readState(nil)
		envelopes, err := c.readPoll(testUser, &st, answer)
		got := struct {
			Envelopes []rawText `json:"envelopes"`
			Kind      string    `json:"kind,omitempty"`
			Error     string    `json:"error,omitempty"`
		}{Envelopes: withRawText(t, envelopes)}
		if err != nil {
			got.Kind, got.Error = string(sdk.KindOf(err)), err.Error()
		}
		return goldenJSON(t, got)
	})
}

func TestDeliverGolden(t *testing.T) {
	golden.Run(t, "testdata/out", func(t *testing.T, _ string, input []byte) []byte {
		var s testCase
		if err := json.Unmarshal(input, &s); err != nil {
			t.Fatal(err)
		}
		v := newVendor(t, s.Answers)
		for _, answers := range v.script {
			for i := range answers {
				answers[i].Body = []byte(strings.ReplaceAll(string(answers[i].Body), "{vendor}", v.URL))
			}
		}
		got := s.run(t, deskAt(t, v, s.Settings))
		for i := range v.calls {
			v.calls[i].Body = []byte(strings.ReplaceAll(string(v.calls[i].Body), testAppSecret, "[app_secret]"))
		}
		got.Calls = v.calls
		return goldenJSON(t, got)
	})
}

// run makes the call of the testCase and returns its result.
func (s *testCase) run(t *testing.T, a *adapter) outcome {
	t.Helper()
	var out outcome
	var err error
	switch {
	case s.Open != nil:
		s.Open.Channel = "desk"
		var o *sdk.OpenResult
		if o, err = a.Open(t.Context(), s.Open); err == nil {
			out = outcome{Thread: o.Thread, Accepted: o.Accepted, State: string(o.State)}
		}
	case s.Fetch != nil:
		out.Medium, err = s.fetch(t, a)
	default:
		var r *sdk.Receipt
		if r, err = a.Deliver(t.Context(), s.delivery()); err == nil {
			out = outcome{State: string(r.State), Degraded: r.Degraded}
		}
	}
	if err != nil {
		e := asTyped(err)
		out.Error, out.Kind, out.Reason = err.Error(), string(e.Kind), e.Reason
	}
	return out
}

func (s *testCase) fetch(t *testing.T, a *adapter) (*file, error) {
	t.Helper()
	m, err := a.Fetch(t.Context(), &sdk.FetchRequest{
		Channel: "desk", Thread: s.Fetch.Thread, State: []byte(s.Fetch.State), Part: s.Fetch.Part,
	})
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &file{m.ContentType, m.Name, string(content), m.Size}, nil
}

func (s *testCase) delivery() *sdk.Delivery {
	d := &sdk.Delivery{
		Channel: "desk", Thread: s.Deliver.Thread, State: []byte(s.Deliver.State), Envelope: s.Deliver.Envelope,
		Attempt: max(s.Deliver.Attempt, 1),
	}
	for _, f := range s.Deliver.Media {
		var a *sdk.Attachment
		if f != nil {
			a = sdk.NewAttachment(f.ContentType, f.Name, []byte(f.Words))
		}
		d.Media = append(d.Media, a)
	}
	return d
}
