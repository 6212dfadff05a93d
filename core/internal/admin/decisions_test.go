package admin

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"patchbay/core/internal/attempt"
)

// decisionLines calls /api/decisions and returns the lines of the response.
func (a *testAPI) decisionLines(query string) []DecisionLine {
	a.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(a.Context(), "GET", "http://127.0.0.1/api/decisions?"+query, nil)
	a.admin.Handler().ServeHTTP(w, r)
	if w.Code != 200 {
		a.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	var out []DecisionLine
	for dec := json.NewDecoder(w.Body); ; {
		var line DecisionLine
		if err := dec.Decode(&line); err == io.EOF {
			return out
		} else if err != nil {
			a.Fatal(err)
		}
		out = append(out, line)
	}
}

func TestDecisionsContainTheFactsOfTheRules(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "hello")
	a.finish(a.job("faq"), attempt.Outcome{Result: attempt.ResultDelivered})
	a.say("web", "w2", "m2", "another customer")
	a.say("web", "w1", "m3", "desk now")
	a.waitUntilIdle()
	all := a.decisionLines("last=100")
	var got []string
	for _, line := range all[:len(all)-1] {
		got = append(got, line.Facts.Event+" "+line.Facts.Text+" "+strings.Join(line.Rules, ","))
	}
	want := []string{
		"opened  ", "message hello ", "opened  ", "message another customer ", "message desk now to-desk", "passed  ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("decisions %q, want %q", got, want)
	}
	if last := all[len(all)-1]; last.Decision != nil || last.Omitted == nil || *last.Omitted != 0 {
		t.Errorf("the last line is %+v", last)
	}
	moved := all[4]
	if f := moved.Facts; f.Owner != "faq" || f.OwnerRole != "bot" || f.Channel != "web" || f.SenderID != "cust-w1" {
		t.Errorf("facts %+v", f)
	}
	if after := all[5].Facts; after.Owner != "desk" || after.Reason != "to-desk" || after.Handovers != 1 {
		t.Errorf("facts after the move %+v", after)
	}
	byID := a.decisionLines("id=" + moved.Message)
	if len(byID) != 3 || byID[0].Facts.Text != "desk now" || byID[1].Facts.Event != "passed" {
		t.Errorf("by the message's id: %+v", byID)
	}
	if lines := a.decisionLines("id=" + moved.Conversation); len(lines) != 5 {
		t.Errorf("by the conversation's id: %d lines", len(lines))
	}
	if lines := a.decisionLines("last=1"); len(lines) != 3 { // both runs of the newest record
		t.Errorf("the last one: %d lines", len(lines))
	}
}

func TestDecisionsRefuseWrongParameters(t *testing.T) {
	a := newTestAPI(t)
	a.say("web", "w1", "m1", "hello")
	var p problem
	a.call("GET", "/api/decisions", 400, &p)
	a.call("GET", "/api/decisions?last=0", 400, &p)
	a.call("GET", "/api/decisions?last=100001", 400, &p)
	a.call("GET", "/api/decisions?id=nosuch", 404, &p)
	if !strings.Contains(p.Error, "nosuch") {
		t.Errorf("error %q", p.Error)
	}
}
