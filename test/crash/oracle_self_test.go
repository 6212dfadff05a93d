package crash

import (
	"strings"
	"testing"
	"time"

	"patchbay/sdk/envelope"
	"patchbay/test/harness"
)

// at is a time n seconds into a made-up run.
func at(n int) time.Time { return time.Unix(1_800_000_000+int64(n), 0) }

// innocent is evidence without fault: two messages, one answer each, then control passes to an agent who says a line,
// while the bot's second answer is fenced. A kill repeated the first call to the bot and the first reply.
func innocent() *evidence {
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
		said:      []said{{user: "c00", id: "c00-001"}, {user: "c00", id: "c00-002"}},
		words: []word{
			{"faq", "answer-1", "re c00-001 #1 in X"}, {"faq", "answer-2", "re c00-002 #2 in X"}, {"desk", "mc-1", "line #3"},
		},
		arrivals: []arrival{{at(1), "faq", "c00-001"}, {at(4), "faq", "c00-001"}, {at(8), "desk", "c00-002"}},
		replies: map[string][]reply{"c00": {
			{at: at(2), key: "r1", role: "bot", text: "re c00-001 #1 in X"}, {at: at(5), key: "r1", role: "bot", text: "re c00-001 #1 in X"},
			{at: at(6), key: "r2", role: "system", passedTo: "agent"},
			{at: at(9), key: "r3", role: "agent", text: "line #3"},
		}},
		trails: map[string][]harness.Trail{"c00": {{Entries: entries}}},
	}
}

// TestOracleFindsFaults: the oracle is content with what is right, and names each thing that is wrong.
func TestOracleFindsFaults(t *testing.T) {
	trail := func(e *evidence) *harness.Trail { return &e.trails["c00"][0] }
	drop := func(e *evidence, what, delivery string) {
		tr := trail(e)
		for i, s := range tr.Entries {
			if s.Step == what && s.Delivery == delivery {
				tr.Entries = append(tr.Entries[:i:i], tr.Entries[i+1:]...)
				return
			}
		}
	}
	add := func(e *evidence, s ...harness.Entry) { trail(e).Entries = append(trail(e).Entries, s...) }
	killed := func(e *evidence, kind string, deaths ...incident) {
		drop(e, "delivered", "d1")
		add(e, harness.Entry{At: at(5), Step: "dead", Kind: kind, Delivery: "d1"})
		e.incidents = append(e.incidents, deaths...)
	}
	entry := func(what string, second int) harness.Entry {
		return harness.Entry{At: at(second), Step: what, Kind: "open", Channel: "desk", Delivery: "o1"}
	}
	stranger := func(e *evidence, entries ...harness.Entry) { // an agent's words at 5, given up at 20
		add(e, entries...)
		e.words = append(e.words, word{"desk", "mc-9", "lost"})
		e.strays = map[string]harness.Trail{"mc-9": {Entries: []harness.Entry{
			{At: at(5), Step: "held", Detail: "pending thread " + envelope.ShortID("livechat", "d8ai/d8ai_chatbot/c00")},
			{At: at(20), Step: "unrouted", Detail: "unknown thread"},
		}}}
	}
	tests := []struct {
		name  string
		spoil func(*evidence)
		want  string // part of a finding; "" is none at all
	}{
		{"nothing wrong", func(*evidence) {}, ""},
		{"no conversation", func(e *evidence) { e.trails = nil }, "has 0 conversations"},
		{"something waits", func(e *evidence) { trail(e).Pending = make([]harness.PendingDelivery, 1) }, "wait after the end"},
		{"message in no trail", func(e *evidence) { e.said = append(e.said, said{user: "c00", id: "c00-003"}) }, "accepted 0 times"},
		{"message accepted twice", func(e *evidence) {
			add(e, harness.Entry{Step: "accepted", Channel: "livechat", VendorID: "c00-001", Envelope: "m9"})
		}, "accepted 2 times"},
		{"message without an end", func(e *evidence) { drop(e, "delivered", "d3") }, "has the ends []"},
		{"message moved nowhere", func(e *evidence) { drop(e, "queued", "d3") }, "has the fates []"},
		{"two fates", func(e *evidence) { add(e, harness.Entry{Step: "fenced", Envelope: "m1"}) }, "fates [fenced delivered]"},
		{"unrouted", func(e *evidence) {
			drop(e, "queued", "d1")
			add(e, harness.Entry{Step: "unrouted", Envelope: "m1"})
		}, "was accepted and is unrouted"},
		{"dead letter", func(e *evidence) {
			drop(e, "delivered", "d1")
			add(e, harness.Entry{Step: "dead", Delivery: "d1"})
		}, "is a dead letter"},
		{"dead letter for two deaths", func(e *evidence) {
			killed(e, "killed_adapter", incident{from: at(2), to: at(3), channel: "faq"}, incident{from: at(4), to: at(6), channel: "faq"})
		}, ""},
		{"dead letter for one death", func(e *evidence) {
			killed(e, "killed_adapter", incident{from: at(2), to: at(3), channel: "faq"}, incident{from: at(4), to: at(6), channel: "desk"})
		}, "is a dead letter"},
		{"dead letter for two deaths, of another kind", func(e *evidence) {
			killed(e, "permanent", incident{from: at(2), to: at(3), channel: "faq"}, incident{from: at(4), to: at(6), channel: "faq"})
		}, "is a dead letter"},
		{"delivered and not there", func(e *evidence) { e.arrivals = e.arrivals[:2] }, "never got there"},
		{"arrived out of nothing", func(e *evidence) { e.arrivals = append(e.arrivals, arrival{at(9), "faq", "c00-007"}) }, "nobody said it"},
		{"arrived from nobody", func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at(9), "desk", "[image:"}, arrival{at(9), "desk", "[image:"})
		}, "nobody said it"},
		{"wrong order", func(e *evidence) {
			e.arrivals = []arrival{{at(1), "faq", "c00-002"}, {at(4), "faq", "c00-001"}, {at(8), "desk", "c00-002"}}
		}, "which is younger"},
		{"pieces with two fates", func(e *evidence) {
			add(e, harness.Entry{Step: "queued", Kind: "send", Channel: "desk", Envelope: "m2", Delivery: "d4", Detail: "piece 2 of 2"},
				harness.Entry{Step: "dead", Channel: "desk", Delivery: "d4"})
		}, "want the same"},
		{"picture lost", func(e *evidence) {
			e.said[1].id = "c00-002p"
			trail(e).Entries[6].VendorID, e.arrivals[2].name = "c00-002p", "c00-002p"
		}, "never got there"},
		{"repeated without a kill", func(e *evidence) { e.incidents = nil }, "came to faq 2 times"},
		{"repeated twice in one kill", func(e *evidence) {
			e.arrivals = append(e.arrivals, arrival{at(5), "faq", "c00-001"})
		}, "came to faq 3 times"},
		{"repeated in another's kill", func(e *evidence) { e.incidents[0].channel = "desk" }, "came to faq 2 times"},
		{"answer in no trail", func(e *evidence) { e.words = append(e.words, word{"faq", "answer-9", "lost"}) }, "is in no trail"},
		{"words to a stranger", func(e *evidence) { stranger(e, entry("queued", 4), entry("dropped", 6)) }, ""},
		{"words to a stranger who is known late", func(e *evidence) { stranger(e, entry("queued", 4), entry("delivered", 21)) }, ""},
		{"words to a stranger who is known", func(e *evidence) { stranger(e, entry("queued", 4), entry("delivered", 19)) }, "is in no trail"},
		{"words to a stranger who was not to be asked", func(e *evidence) { stranger(e) }, "is in no trail"},
		{"words to a stranger who was asked for later", func(e *evidence) { stranger(e, entry("queued", 6)) }, "is in no trail"},
		{"answer delivered and not there", func(e *evidence) { e.replies["c00"] = e.replies["c00"][:3] }, "got it 0 times"},
		{"answer in two effects", func(e *evidence) { e.replies["c00"][1].key = "r7" }, "got it 2 times"},
		{"reply of no delivery", func(e *evidence) { e.replies["c00"][1].key = "r7" }, "is not known there"},
		{"replies out of order", func(e *evidence) {
			r := e.replies["c00"]
			r[2], r[3] = r[3], r[2]
		}, "which is younger"},
		{"fenced answer got through", func(e *evidence) { e.replies["c00"][3].text = "re c00-002 #2 in X" }, "is fenced by the trail"},
		{"bot behind the marker", func(e *evidence) { e.replies["c00"][3].role = "bot" }, "while the agent had control"},
		{"agent before the marker", func(e *evidence) { e.replies["c00"][0].role = "agent" }, "while the bot had control"},
		{"bot's conversation of an earlier term", func(e *evidence) {
			r := e.replies["c00"]
			r[2].passedTo = "bot"
			r[3].role, r[3].text = "bot", "re c00-001 #3 in X"
		}, "out of a conversation of term 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := innocent()
			tt.spoil(e)
			found := judge(e).findings
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
