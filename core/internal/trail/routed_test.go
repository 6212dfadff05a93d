package trail

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/store/memory"
)

// The trail has a step with the name of the rule for a failed condition and for the bounce limit.
func TestErrorsOfRulesNameTheRule(t *testing.T) {
	log := memory.NewDisk(0).Open()
	data, err := proto.Marshal(&journal.Record{
		Envelopes: []*journal.StoredEnvelope{stored(t, "e1", "c1", "v1", "th1")},
		Changes: []*journal.Change{
			change("c1", &journal.Change_Opened{Opened: &journal.Opened{Channel: "web", Thread: "th1"}}),
			change("c1", &journal.Change_Routed{Routed: &journal.Routed{
				Event: "message", Position: pos(1, 0), Errors: []string{"gold: division by zero"},
			}}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Append(t.Context(), 0, data); err != nil {
		t.Fatal(err)
	}
	found, err := New(log, emptyState{}).Find(t.Context(), Query{IDs: []string{"e1"}})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d trails, %v", len(found), err)
	}
	for _, e := range found[0].Entries {
		if e.Step == "routed" && e.Kind == "message" && e.Detail == "gold: division by zero" {
			return
		}
	}
	t.Errorf("entries %+v", found[0].Entries)
}
