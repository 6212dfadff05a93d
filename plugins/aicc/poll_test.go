package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/plugins/internal/golden"
	"patchbay/sdk"
)

// pollingChannel returns a channel that polls.
func pollingChannel(t testing.TB, changes map[string]any) sdk.Channel {
	t.Helper()
	all := map[string]any{"inbound": "poll", "verify": nil}
	for k, v := range changes {
		all[k] = v
	}
	return testChannel(t, "desk", all)
}

// A message has the same id in a poll and in a push, so that a channel can change from one to the other.
func TestPollAndPushGiveTheSameEnvelopes(t *testing.T) {
	const list = `[{"from":"202105284494222653","to":"44444444","channel":"WEB","controlType":"CHAT","mediaType":"TEXT",
		"content":"Queuing…","sourceType":"SYSTEM","timestamp":%}, {"from":"202105284494222653","to":"44444444",
		"channel":"WEB","controlType":"CHAT","mediaType":"TEXT","content":"Hi","sourceType":"AGENT","messageCode":"m-1",
		"timestamp":1625898453914}]`
	push := `{"messages":` + strings.Replace(list, "%", "1625898453913", 1) + `}`
	r, err := deskAdapter(t).Receive(t.Context(), signedRequest([]byte(push)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := testAdapter(t, pollingChannel(t, nil)).channel("desk")
	if err != nil {
		t.Fatal(err)
	}
	st := readState(nil)
	polled, err := c.readPoll("44444444", &st,
		[]byte(`{"resultCode":"0","downlinkMessages":`+strings.Replace(list, "%", `"1625898453913"`, 1)+`}`))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r.Envelopes, polled); d != "" {
		t.Errorf("(-push +poll):\n%s", d)
	}
}

// FuzzPoll checks that each response leads to an error, or to valid envelopes, at least one for each message.
func FuzzPoll(f *testing.F) {
	for _, dir := range []string{"poll", "in"} {
		for _, b := range golden.Inputs(f, "testdata/"+dir+"/*.json") {
			f.Add([]byte(strings.Replace(string(b), `"messages":`, `"resultCode":"0","downlinkMessages":`, 1)))
		}
	}
	c, err := testAdapter(f, pollingChannel(f, nil)).channel("desk")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		st := readState(nil)
		envelopes, err := c.readPoll(testUser, &st, body)
		if err != nil && len(envelopes) > 0 {
			t.Fatalf("%d envelopes and the error %v", len(envelopes), err)
		}
		var p struct {
			DownlinkMessages []json.RawMessage `json:"downlinkMessages"`
		}
		if json.Unmarshal(body, &p) == nil && err == nil && len(envelopes) < len(p.DownlinkMessages) {
			t.Errorf("%d messages gave %d envelopes", len(p.DownlinkMessages), len(envelopes))
		}
		for _, e := range envelopes {
			if err := e.Validate(); err != nil {
				t.Errorf("invalid envelope: %v", err)
			}
			if e.VendorID == "" {
				t.Errorf("envelope without an id: %+v", e)
			}
		}
	})
}

// A response that is not in AICC's format is a transient error, so that the polls of the user continue.
func TestPollOfAnotherServerIsRepeated(t *testing.T) {
	c, err := testAdapter(t, pollingChannel(t, nil)).channel("desk")
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]sdk.ErrorKind{
		`{}`: sdk.KindTransient, `<html>`: sdk.KindTransient, `[]`: sdk.KindTransient, `null`: sdk.KindTransient,
		`{"resultCode":"1"}`: sdk.KindGone,
	} {
		st := readState(nil)
		if _, err := c.readPoll(testUser, &st, []byte(body)); err == nil || sdk.KindOf(err) != want {
			t.Errorf("%s: %v; want %s", body, err, want)
		}
	}
}
