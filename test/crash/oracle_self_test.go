package crash

import (
	"strings"
	"testing"
	"time"

	"patchbay/sdk/envelope"
	"patchbay/test/harness"
)

// at returns the time n seconds after the start of a run.
func at(n int) time.Time { return time.Unix(1_800_000_000+int64(n), 0) }

// validEvidence returns evidence without violations: two messages, an answer of the bot to each of them, a handover,
// and an answer of the agent. The bot's second answer is fenced. A kill caused a duplicate of the first message and of
// the first answer.
func validEvidence() *evidence {
	entries := []harness.Entry{
		{Step: "accepted", Channel: "livechat", VendorID: "c00-001", Envelope: "m1"},
		{Step: "queued", Kind: "send", Channel: "faq", Envelope: "m1", Delivery: "d1"},
		{Step: "delivered", Channel: "faq", Delivery: "d1"},
		{Step: "accepted", Channel: "faq", VendorID: "answer-1", Envelope: "a1"},
		{Step: "queued", Kind: "send", Channel: "livechat", Envelope: "a1", Delivery: "r1"},
		{Step: "delivered", Channel: "livechat", Delivery: "r1"},
		{Step: "accepted", Channel: "livechat", VendorID: "c00-002", Envelope: "m2"},
		{Step: "queued", Kind: "send", Channel: "faq", Envelope: "m2", Delivery: "d2"},
		{Step: "passed", Channel: "desk"},
		{Step: "moved", Channel: "faq", Delivery: "d2"},
		{Step: "queued", Kind: "send", Channel: "livechat", Envelope: "p1", Delivery: "r2"},
		{Step: "queued", Kind: "send", Channel: "desk", Envelope: "m2", Delivery: "d3"},
		{Step: "delivered", Channel: "livechat", Delivery: "r2"},
		{Step: "delivered", Channel: "desk", Delivery: "d3"},
		{Step: "accepted", Channel: "faq", VendorID: "answer-2", Envelope: "a2"},
		{Step: "fenced", Channel: "faq", Envelope: "a2"},
		{Step: "accepted", Channel: "desk", VendorID: "mc-1", Envelope: "a3"},
		{Step: "queued", Kind: "send", Channel: "livechat", Envelope: "a3", Delivery: "r3"},
		{Step: "delivered", Channel: "livechat", Delivery: "r3"},
	}
	return &evidence{
		strict:    true,
		incidents: []incident{{from: at(2), to: at(3)}},
		messages:  []sentMessage{{user: "c00", id: "c00-001"}, {user: "c00", id: "c00-002"}},
		answers: []acceptedAnswer{
			{"faq", "answer-1", "re c00-001 #1 in X"}, {"faq", "answer-2", "re c00-002 #2 in X"}, {"desk", "mc-1", "line #3"},
		},
		arrivals: []arrival{{at(1), "faq", "c00-001"}, {at(4), "faq", "c00-001"}, {at(8), "desk", "c00-002"}},
		answerArrivals: map[string][]answerArrival{"c00": {
			{at: at(2), key: "r1", role: "bot", text: "re c00-001 #1 in X"},
			{at: at(5), key: "r1", role: "bot", text: "re c00-001 #1 in X"},
			{at: at(6), key: "r2", role: "system", passedTo: "agent"},
			{at: at(9), key: "r3", role: "agent", text: "line #3"},
		}},
		trails: map[string][]harness.Trail{"c00": {{Entries: entries}}},
	}
}

// TestOracle checks that the oracle accepts valid evidence and reports each violation.
func TestOracle(t *testing.T) {
	first, second := incident{from: at(2), to: at(3), channel: "faq"}, incident{from: at(4), to: at(6), channel: "faq"}
	trail := func(e *evidence) *harness.Trail { return &e.trails["c00"][0] }
	drop := func(e *evidence, step, delivery string) {
		tr := trail(e)
		for i, s := range tr.Entries {
			if s.Step == step && s.Delivery == delivery {
				tr.Entries = append(tr.Entries[:i:i], tr.Entries[i+1:]...)
				return
			}
		}
	}
	add := func(e *evidence, s ...harness.Entry) { trail(e).Entries = append(trail(e).Entries, s...) }
	killed := func(e *evidence, kind string, kills ...incident) {
		drop(e, "delivered", "d1")
		add(e, harness.Entry{At: at(5), Step: "dead", Kind: kind, Delivery: "d1"})
		e.incidents = append(e.incidents, kills...)
	}
	entry := func(step string, second int) harness.Entry {
		return harness.Entry{At: at(second), Step: step, Kind: "open", Channel: "desk", Delivery: "o1"}
	}
	pendingAnswer := func(e *evidence, entries ...harness.Entry) { // an agent's answer at 5, unrouted at 20
		add(e, entries...)
		e.answers = append(e.answers, acceptedAnswer{"desk", "mc-9", "lost"})
		e.pendingTrails = map[string]harness.Trail{"mc-9": {Entries: []harness.Entry{
			{At: at(5), Step: "held", Detail: "pending thread " + envelope.ShortID("livechat", "d8ai/d8ai_chatbot/c00")},
			{At: at(20), Step: "unrouted", Detail: "unknown thread"},
		}}}
	}
	tests := []struct {
		name   string
		change func(*evidence)
		want   string // part of a finding; "" means no finding
	}{
		{"valid", func(*evidence) {}, ""},
		{"no conversation", func(e *evidence) { e.trails = nil }, "has 0 conversations"},
		{"pending delivery", func(e *evidence) { trail(e).Pending = make([]harness.PendingDelivery, 1) }, "pending at the end"},
		{"message in no trail", func(e *evidence) {
			e.messages = append(e.messages, sentMessage{user: "c00", id: "c00-003"})
		}, "accepted 0 times"},
		{"message accepted twice", func(e *evidence) {
			add(e, harness.Entry{Step: "accepted", Channel: "livechat", VendorID: "c00-001", Envelope: "m9"})
		}, "accepted 2 times"},
		{"message without a final status", func(e *evidence) {
			drop(e, "delivered", "d3")
		}, "d3 has the final statuses []"},
		{"moved message not queued again", func(e *evidence) {
			drop(e, "queued", "d3")
		}, "m2 has the final statuses []"},
		{"two final statuses", func(e *evidence) {
			add(e, harness.Entry{Step: "fenced", Envelope: "m1"})
		}, "final statuses [fenced delivered]"},
		{"queued again for the bot that got control", func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at(10), "faq", "c00-002"})
			add(e, harness.Entry{At: at(10), Step: "passed", Channel: "faq"},
				harness.Entry{At: at(10), Step: "queued", Kind: "send", Channel: "faq", Envelope: "m2", Delivery: "d9"},
				harness.Entry{At: at(11), Step: "delivered", Channel: "faq", Delivery: "d9"})
		}, ""},
		{"queued again without a move of control", func(e *evidence) {
			add(e, harness.Entry{At: at(10), Step: "queued", Kind: "send", Channel: "faq", Envelope: "m2", Delivery: "d9"},
				harness.Entry{At: at(11), Step: "delivered", Channel: "faq", Delivery: "d9"})
		}, "final statuses [delivered delivered]"},
		{"unrouted", func(e *evidence) {
			drop(e, "queued", "d1")
			add(e, harness.Entry{Step: "unrouted", Envelope: "m1"})
		}, "was accepted and is unrouted"},
		{"dead letter", func(e *evidence) {
			drop(e, "delivered", "d1")
			add(e, harness.Entry{Step: "dead", Delivery: "d1"})
		}, "is a dead letter"},
		{"dead letter after two kills", func(e *evidence) {
			killed(e, "killed_adapter", first, second)
		}, ""},
		{"dead letter after one kill", func(e *evidence) {
			killed(e, "killed_adapter", first, incident{from: at(4), to: at(6), channel: "desk"})
		}, "is a dead letter"},
		{"dead letter of another kind after two kills", func(e *evidence) {
			killed(e, "permanent", first, second)
		}, "is a dead letter"},
		{"delivered without arrival", func(e *evidence) { e.arrivals = e.arrivals[:2] }, "did not arrive"},
		{"arrival of an unknown message", func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at(9), "faq", "c00-007"})
		}, "no customer sent it"},
		{"arrivals without a customer", func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at(9), "desk", "[image:"}, arrival{at(9), "desk", "[image:"})
		}, "no customer sent it"},
		{"wrong order", func(e *evidence) {
			e.arrivals = []arrival{{at(1), "faq", "c00-002"}, {at(4), "faq", "c00-001"}, {at(8), "desk", "c00-002"}}
		}, "which is newer"},
		{"pieces with two final statuses", func(e *evidence) {
			add(e, harness.Entry{
				Step: "queued", Kind: "send", Channel: "desk", Envelope: "m2", Delivery: "d4", Detail: "piece 2 of 2",
			}, harness.Entry{Step: "dead", Channel: "desk", Delivery: "d4"})
		}, "want the same"},
		{"picture missing", func(e *evidence) {
			e.messages[1].id = "c00-002p"
			trail(e).Entries[6].VendorID, e.arrivals[2].name = "c00-002p", "c00-002p"
		}, "did not arrive"},
		{"duplicate without a kill", func(e *evidence) { e.incidents = nil }, "arrived at faq 2 times"},
		{"two duplicates after one kill", func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at(5), "faq", "c00-001"})
		}, "arrived at faq 3 times"},
		{"duplicate after a kill of another adapter", func(e *evidence) {
			e.incidents[0].channel = "desk"
		}, "arrived at faq 2 times"},
		{"answer in no trail", func(e *evidence) {
			e.answers = append(e.answers, acceptedAnswer{"faq", "answer-9", "lost"})
		}, "is in no trail"},
		{"answer on an unknown thread", func(e *evidence) {
			pendingAnswer(e, entry("queued", 4), entry("dropped", 6))
		}, ""},
		{"answer on a thread that opened too late", func(e *evidence) {
			pendingAnswer(e, entry("queued", 4), entry("delivered", 21))
		}, ""},
		{"answer on a known thread", func(e *evidence) {
			pendingAnswer(e, entry("queued", 4), entry("delivered", 19))
		}, "is in no trail"},
		{"answer without an open call", func(e *evidence) { pendingAnswer(e) }, "is in no trail"},
		{"answer before the open call", func(e *evidence) { pendingAnswer(e, entry("queued", 6)) }, "is in no trail"},
		{"answer delivered without arrival", func(e *evidence) {
			e.answerArrivals["c00"] = e.answerArrivals["c00"][:3]
		}, "received it 0 times"},
		{"answer with two keys", func(e *evidence) { e.answerArrivals["c00"][1].key = "r7" }, "received it 2 times"},
		{"answer without a delivery", func(e *evidence) {
			e.answerArrivals["c00"][1].key = "r7"
		}, "the lane does not contain it"},
		{"answers out of order", func(e *evidence) {
			r := e.answerArrivals["c00"]
			r[2], r[3] = r[3], r[2]
		}, "which is newer"},
		{"fenced answer arrived", func(e *evidence) {
			e.answerArrivals["c00"][3].text = "re c00-002 #2 in X"
		}, "is fenced according to the trail"},
		{"answer of the bot after the handover", func(e *evidence) {
			e.answerArrivals["c00"][3].role = "bot"
		}, "while the agent had control"},
		{"answer of the agent before the handover", func(e *evidence) {
			e.answerArrivals["c00"][0].role = "agent"
		}, "while the bot had control"},
		{"answer from a bot's conversation of an earlier epoch", func(e *evidence) {
			r := e.answerArrivals["c00"]
			r[2].passedTo = "bot"
			r[3].role, r[3].text = "bot", "re c00-001 #3 in X"
		}, "from a conversation of epoch 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := validEvidence()
			tt.change(e)
			found := evaluate(e).findings
			var all strings.Builder
			for _, f := range found {
				all.WriteString(f.text + "\n")
			}
			if tt.want == "" && len(found) > 0 || !strings.Contains(all.String(), tt.want) {
				t.Errorf("findings:\n%swant: %q", all.String(), tt.want)
			}
		})
	}
}
