package lane

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// made submits a job and returns the call that was made of it, and the outcome.
func made(t *testing.T, ch Channel, change func(b *bench, d *state.Delivery)) (call *pluginpb.DeliverCall, degraded string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ch.Name = "faq"
		b := newBench(t, ch)
		defer b.close()
		b.bot.by(func(c *pluginpb.DeliverCall) answer { call = c; return delivered() })
		j := b.job("faq", "hello")
		change(b, &j.Delivery)
		b.Submit(j)
		degraded = b.must(j).Degraded
	})
	return call, degraded
}

// carried is what the adapter's author sees: the envelope under what the gateway assigned.
func carried(t *testing.T, c *pluginpb.DeliverCall) *envelope.Envelope {
	t.Helper()
	e, err := protocol.DecodeEnvelope(c.GetSend().GetEnvelope())
	if err != nil {
		t.Fatal(err)
	}
	protocol.Overlay(e, c.GetSend().GetAssigned())
	return e
}

func TestSend(t *testing.T) {
	call, degraded := made(t, Channel{}, func(b *bench, d *state.Delivery) {
		e := message("hello")
		e.Hops, e.Attributes = 2, map[string]string{"native.tag": "x"}
		d.Item, d.Attempts = b.store(e), 4
		d.History = []state.Item{b.store(message("before")), {Pos: state.Position{Seq: 999}}, b.store(message("then"))}
	})
	if call.GetChannel() != "faq" || call.GetKey() != "d1" || call.GetAttempt() != 5 || degraded != "" {
		t.Errorf("call %v, degraded %q", call, degraded)
	}
	s := call.GetSend()
	if s.GetThread() != "bot-thread" || string(s.GetState()) != "token" {
		t.Errorf("thread %q, state %q", s.GetThread(), s.GetState())
	}
	e := carried(t, call)
	if e.Text() != "hello" || e.ID != "env-2" || e.Epoch != 3 || e.Hops != 3 || e.Conversation != "conv1" || e.AcceptedAt.Unix() != 1000 {
		t.Errorf("envelope %+v", e)
	}
	if diff := cmp.Diff(map[string]string{"native.tag": "x", "lang": "en"}, e.Attributes); diff != "" {
		t.Errorf("attributes differ:\n%s", diff)
	}
	var history []string
	for _, h := range s.GetHistory() {
		he, err := protocol.DecodeEnvelope(h)
		if err != nil {
			t.Fatal(err)
		}
		history = append(history, he.Text())
	}
	if diff := cmp.Diff([]string{"before", "then"}, history); diff != "" {
		t.Errorf("history differs; what was purged is left out:\n%s", diff)
	}
}

func TestPieces(t *testing.T) {
	const limit = 40
	long := "The quick brown fox jumps over the lazy dog, again and again, until the day is done. Ünïcödé ends it."
	var joined string
	n := uint32(3)
	for i := range n {
		call, _ := made(t, Channel{Target: render.Target{TextBytes: limit}}, func(b *bench, d *state.Delivery) {
			d.Item, d.Piece, d.Pieces = b.store(message(long)), i, n
		})
		piece := carried(t, call).Text()
		if len(piece) > limit || piece == "" {
			t.Errorf("piece %d has %d bytes, want 1 to %d", i, len(piece), limit)
		}
		joined += piece
	}
	if joined != long {
		t.Errorf("the pieces make %q, want %q", joined, long)
	}
}

func TestEmptyPieceIsNotSent(t *testing.T) {
	call, degraded := made(t, Channel{Target: render.Target{TextBytes: 10}}, func(b *bench, d *state.Delivery) {
		d.Item, d.Piece, d.Pieces = b.store(message("short")), 1, 3
	})
	if call != nil || degraded != "nothing to send" {
		t.Errorf("call %v, degraded %q; want none", call, degraded)
	}
}

func picture(words string) *envelope.Envelope {
	e := message(words)
	e.Parts = append(e.Parts, envelope.Part{Type: envelope.PartImage, URL: "https://pics.example/1.png", Name: "1.png"})
	return e
}

func TestDegradedParts(t *testing.T) {
	only := func(types ...envelope.PartType) map[envelope.PartType]bool {
		m := map[envelope.PartType]bool{}
		for _, p := range types {
			m[p] = true
		}
		return m
	}
	for name, tc := range map[string]struct {
		parts []envelope.Part
		can   map[envelope.PartType]bool
		text  string // "" if the parts go as they are
		lost  string
	}{
		"carried":      {picture("look").Parts, only("text", "image"), "", ""},
		"no limits":    {picture("look").Parts, nil, "", ""},
		"image":        {picture("look").Parts, only("text"), "look\n[image] 1.png https://pics.example/1.png", "sent as text: image"},
		"captioned":    {[]envelope.Part{{Type: "video", Text: "my cat", Ref: "vendor-handle"}}, only("text"), "[video] my cat", "sent as text: video"},
		"location":     {[]envelope.Part{{Type: "location", Latitude: 1.5, Longitude: -2, Text: "here"}}, only("text"), "[location] 1.5,-2 here", "sent as text: location"},
		"suggestions":  {[]envelope.Part{envelope.TextPart("Which?"), {Type: "suggestions", Items: []string{"A", "B"}}}, only("text"), "Which?\nA | B", "sent as text: suggestions"},
		"two of three": {append(picture("x").Parts, envelope.Part{Type: "file", Name: "a.pdf"}), only("text", "file"), "x\n[image] 1.png https://pics.example/1.png\n[file] a.pdf", "sent as text: image, file"},
	} {
		t.Run(name, func(t *testing.T) {
			e := message("")
			e.Parts = tc.parts
			call, lost := made(t, Channel{Target: render.Target{Parts: tc.can}}, func(b *bench, d *state.Delivery) { d.Item = b.store(e) })
			want := tc.parts
			if tc.text != "" {
				want = []envelope.Part{envelope.TextPart(tc.text)}
			}
			if diff := cmp.Diff(want, carried(t, call).Parts); diff != "" {
				t.Errorf("parts differ (-want +got):\n%s", diff)
			}
			if lost != tc.lost {
				t.Errorf("recorded %q, want %q", lost, tc.lost)
			}
		})
	}
}

// TestPiecesDropNoParts: a piece is text only, so a picture beside a long text becomes a line of it.
func TestPiecesDropNoParts(t *testing.T) {
	var joined, lost string
	for i := range uint32(2) {
		call, degraded := made(t, Channel{Target: render.Target{TextBytes: 80}}, func(b *bench, d *state.Delivery) {
			d.Item, d.Piece, d.Pieces = b.store(picture(strings.Repeat("word ", 20))), i, 2
		})
		joined, lost = joined+carried(t, call).Text(), degraded
	}
	if !strings.Contains(joined, "https://pics.example/1.png") || lost != "sent as text: image" {
		t.Errorf("the picture is missing in %q (recorded %q)", joined, lost)
	}
}

func TestTranscript(t *testing.T) {
	agent := message("How can I help?")
	agent.Sender.Role = envelope.RoleAgent
	bot := message("I am a bot")
	bot.Sender.Role = envelope.RoleBot
	call, _ := made(t, Channel{}, func(b *bench, d *state.Delivery) {
		d.Kind = state.KindTranscript
		d.Item = state.Item{}
		d.History = []state.Item{b.store(message("hello")), b.store(bot), {Pos: state.Position{Seq: 999}}, b.store(picture("see")), b.store(agent)}
	})
	e := carried(t, call)
	want := "Customer: hello\nAssistant: I am a bot\nCustomer: see\n[image] 1.png https://pics.example/1.png\nAgent: How can I help?"
	if e.Text() != want {
		t.Errorf("transcript %q, want %q", e.Text(), want)
	}
	if e.Sender.Role != envelope.RoleSystem || e.Attributes["transcript"] != "true" || e.ID != "d1" || e.Thread != "bot-thread" {
		t.Errorf("envelope %+v", e)
	}
}

// TestTranscriptOfAHandover: what was said at the customer's vendor has its own speakers.
func TestTranscriptOfAHandover(t *testing.T) {
	by := func(role string, p envelope.Part) envelope.Part {
		p.Attributes = map[string]string{"role": role}
		return p
	}
	e := message("")
	e.Kind = envelope.KindHandoverRequested
	e.Parts = []envelope.Part{
		by("customer", envelope.TextPart("Where is my parcel?")), by("bot", envelope.TextPart("I do not know.")),
		by("customer", envelope.Part{Type: envelope.PartImage, Name: "1.png", URL: "https://pics.example/1.png"}),
		by("tool", envelope.TextPart("looked up 3 orders")), envelope.TextPart("(older messages are left out)"),
	}
	call, _ := made(t, Channel{}, func(b *bench, d *state.Delivery) {
		d.Kind, d.Item = state.KindTranscript, state.Item{}
		d.History = []state.Item{b.store(e), b.store(message("hello?"))}
	})
	want := "Customer: Where is my parcel?\nAssistant: I do not know.\nCustomer: [image] 1.png https://pics.example/1.png\n" +
		"looked up 3 orders\n(older messages are left out)\nCustomer: hello?"
	if got := carried(t, call).Text(); got != want {
		t.Errorf("transcript %q, want %q", got, want)
	}
}

func TestTranscriptOfWhatIsGone(t *testing.T) {
	call, degraded := made(t, Channel{}, func(_ *bench, d *state.Delivery) {
		d.Kind, d.Item = state.KindTranscript, state.Item{}
		d.History = []state.Item{{Pos: state.Position{Seq: 999}}}
	})
	if call != nil || degraded != "nothing to send" {
		t.Errorf("call %v, degraded %q; want none", call, degraded)
	}
}

func TestOpen(t *testing.T) {
	call, _ := made(t, Channel{}, func(_ *bench, d *state.Delivery) {
		d.Kind, d.Offer, d.Reason, d.Epoch = state.KindOpen, true, "ask-for-a-person", 7
	})
	if call.GetOpen() == nil {
		t.Fatalf("call %v, want an open", call)
	}
	o := call.GetOpen()
	if o.GetConversation() != "conv1" || o.GetEpoch() != 7 || !o.GetOffer() || o.GetReason() != "ask-for-a-person" || o.GetAttributes()["lang"] != "en" {
		t.Errorf("open %v", o)
	}
	if want := envelope.ShortID("web", "w1"); o.GetCustomerId() != want {
		t.Errorf("customer %q, want %q", o.GetCustomerId(), want)
	}
}
