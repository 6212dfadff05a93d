package route

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/envelope"
)

var explainedRules = []Rule{
	{Name: "opened", Events: []Event{EventOpened}, Say: Say{Default: "x"}},
	{Name: "from-desk", From: []string{"desk"}, To: ToCustomer},
	{Name: "done", Set: map[string]string{"a": "b"}, Continue: true},
	{Name: "all", When: `owner_role == "bot" && mentions(["agent"]) && age > duration("1h")`, Drop: true},
	{Name: "any", When: `attr("tier") == "gold" || (handovers > 2 && text.contains("x"))`, Drop: true},
	{Name: "fails", When: `int(attr("n")) > 1`, Drop: true},
	{Name: "not", When: `!open("desk") && "image" in parts`, Set: map[string]string{"c": "d"}, Continue: true},
	{Name: "choice", When: `handovers > 5 ? text == "a" : owner == "faq"`, To: ToOwner},
	{Name: "list", When: `text in [owner, "a"] && sender_name != ""`, Drop: true},
	{Name: "always", Copy: []string{"audit"}, Continue: true},
	{Name: "later", When: `home == "faq"`, Drop: true},
}

// TestExplain compares the explanation of a message with a golden file.
func TestExplain(t *testing.T) {
	table, problems := Compile(explainedRules, Channels{
		"web": envelope.RoleCustomer, "faq": envelope.RoleBot, "desk": envelope.RoleAgent, "audit": envelope.RoleObserver,
	})
	if table == nil {
		t.Fatal(problems)
	}
	f := &Facts{
		Event: EventMessage, Channel: "web", Role: envelope.RoleCustomer, Text: "An agent, please", Parts: []string{"text", "image"},
		Owner: "faq", OwnerRole: envelope.RoleBot, Home: "faq", Customer: "web", Handovers: 1, Age: 90e9,
		SenderName: strings.Repeat("long ", 100),
		Attributes: map[string]string{"n": "one"}, Open: func(string) bool { return false }, Done: map[int]bool{2: true},
	}
	got := table.Explain(f)
	var matching []string
	for _, e := range got {
		if e.Matches && e.Reached {
			matching = append(matching, e.Rule)
		}
	}
	var decided []string
	for _, s := range table.Decide(f).Steps {
		decided = append(decided, s.Rule.Name)
	}
	if diff := cmp.Diff(decided, matching); diff != "" {
		t.Errorf("rules of the decision and the explanation (-decided +explained):\n%s", diff)
	}
	data, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/explain.json"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, append(data, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(data)+"\n"); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}

func TestExplainTimer(t *testing.T) {
	timer := func(name string, after time.Duration) Rule {
		return Rule{Name: name, Events: []Event{EventIdle}, After: after, Say: Say{Default: "x"}}
	}
	table, problems := Compile([]Rule{timer("soon", time.Minute), timer("late", time.Hour)}, testChannels)
	if table == nil {
		t.Fatal(problems)
	}
	got := table.Explain(&Facts{Event: EventIdle, Channel: "livechat", Role: envelope.RoleCustomer, After: time.Hour})
	want := []Explanation{
		{Rule: "soon", Reached: true, Reason: "the time is 1h0m0s, not 1m0s"},
		{Rule: "late", Reached: true, Matches: true, Effect: "say"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("explanation (-want +got):\n%s", diff)
	}
}
