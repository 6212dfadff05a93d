package conversation

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/protocol"
)

// checkRecordedFacts checks that the recorded rules match on the facts of each recorded run. restored must be in the
// state before record h.seq.
func (h *harness) checkRecordedFacts(r *journal.Record) {
	h.Helper()
	layer := state.NewLayer(h.restored, h.now, h.seq, r)
	for _, ch := range r.GetChanges() {
		if run := ch.GetRouted(); run != nil {
			p := state.PositionOf(run.GetPosition())
			e := h.model.envelopes[p]
			if p.Seq == h.seq {
				var err error
				if e, err = protocol.DecodeEnvelope(r.GetEnvelopes()[p.Index].GetEnvelope()); err != nil {
					h.Fatalf("decode envelope: %v", err)
				}
			}
			f := RecordedFacts(h.policy, h.now, layer.Conversation(ch.GetConversation()), run, e)
			f.Done = h.policy.Routes.Indexes(run.GetDone())
			var matched []string
			for _, s := range h.policy.Routes.Decide(f).Steps {
				matched = append(matched, s.Rule.Name)
			}
			if diff := cmp.Diff(run.GetRules(), matched, cmpopts.EquateEmpty()); diff != "" {
				h.Fatalf("record %d, rules for %s (-recorded +with the recorded facts):\n%s", h.seq, run.GetEvent(), diff)
			}
		}
		if err := layer.Fold(ch); err != nil {
			h.Fatalf("fold a change of record %d: %v", h.seq, err)
		}
	}
}

// TestRecordedFactsNeedOnlyTheRecords has conditions on all facts. The harness decides again on the recorded facts.
func TestRecordedFactsNeedOnlyTheRecords(t *testing.T) {
	match := func(name, when string) route.Rule {
		return route.Rule{Name: name, When: when, Copy: []string{"audit"}, Continue: true}
	}
	p := testPolicy(t, match("text", `text == "ask" && sender_id == "s1" && sender_name == "Ann"`),
		match("parts", `"text" in parts && channel == "web" && role == "customer"`),
		match("owner", `owner == "faq" && owner_role == "bot" && home == "faq" && customer == "web"`),
		match("old", `age > duration("1m") && silence > duration("1m") && handovers == 0`),
		match("hour", `now.hour == 9 && !open("night") && open("old")`),
		onWord("ask", route.Rule{Offer: route.NewOffer("desk")}),
		route.Rule{Name: "failed", Events: []route.Event{route.EventOfferFailed},
			When: `reason == "expired" && pending == ""`, Set: map[string]string{"a": "1"}},
		route.Rule{Name: "hurry", Events: []route.Event{route.EventUnanswered}, After: time.Hour, When: `attr("a") == "1"`,
			Say: route.Say{Default: "Please wait."}},
	)
	p.Channels["night"].Hours = hoursOf(t, "sat-sun 08:00-20:00")
	p.Channels["old"].Hours = hoursOf(t, "mon 09:00-10:00")
	h := newHarness(t, p)
	h.customer("hello")
	h.now = h.now.Add(2 * time.Minute)
	h.receive(incoming{channel: "web", thread: "w1", text: "ask", sender: "s1", name: "Ann"})
	runs := lastChanges[*journal.Change_Routed](h)
	want := []string{"text", "parts", "owner", "old", "hour", "ask"}
	if len(runs) != 1 || !slices.Equal(runs[0].Routed.GetRules(), want) {
		t.Fatalf("runs for the message: %v, want one with the rules %v", runs, want)
	}
	if closed := ClosedChannels(p, h.now, runs[0].Routed); !slices.Equal(closed, []string{"night"}) {
		t.Errorf("closed channels %v, want the one that a condition asked for", closed)
	}
	later, run := h.now.Add(time.Hour), &journal.Routed{Event: string(route.EventClosed)}
	if closed := ClosedChannels(p, later, run); !slices.Equal(closed, []string{"night", "old"}) {
		t.Errorf("closed channels %v of a run without open(), want those outside their hours", closed)
	}
	run.Open = []string{"night"} // by the hours of an earlier revision
	if closed := ClosedChannels(p, later, run); !slices.Equal(closed, []string{"old"}) {
		t.Errorf("closed channels %v, want no channel that was open", closed)
	}
	h.advance(time.Minute)
	h.drain("faq")
	h.advance(time.Hour)
	h.wantLines("to the customer", h.queue("web"), "Please wait.")
}
