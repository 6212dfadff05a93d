package delivery

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/render"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// callFor submits a job and returns its call and the degradation in its outcome.
func callFor(t *testing.T, ch Channel, change func(h *harness, d *state.Delivery)) (call *pluginpb.DeliverCall,
	degraded string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ch.Name = "faq"
		h := newHarness(t, ch)
		defer h.close()
		h.bot.setResults(func(c *pluginpb.DeliverCall) callResult { call = c; return delivered() })
		j := h.job("faq", "hello")
		change(h, &j.Delivery)
		h.Submit(j)
		degraded = h.mustOutcome(j).Degraded
	})
	return call, degraded
}

// receivedEnvelope returns the envelope as the SDK passes it to an adapter.
func receivedEnvelope(t *testing.T, c *pluginpb.DeliverCall) *envelope.Envelope {
	t.Helper()
	e, err := protocol.DecodeEnvelope(c.GetSend().GetEnvelope())
	if err != nil {
		t.Fatal(err)
	}
	protocol.Overlay(e, c.GetSend().GetAssigned())
	return e
}

func TestSend(t *testing.T) {
	call, degraded := callFor(t, Channel{}, func(h *harness, d *state.Delivery) {
		e := message("hello")
		e.Hops, e.Attributes = 2, map[string]string{"native.tag": "x"}
		d.Item, d.Attempts = h.storeEnvelope(e), 4
		d.History = []state.Item{h.storeEnvelope(message("before")), {Pos: state.Position{Seq: 999}},
			h.storeEnvelope(message("then"))}
	})
	if call.GetChannel() != "faq" || call.GetKey() != "d1" || call.GetAttempt() != 5 || degraded != "" {
		t.Errorf("call %v, degraded %q", call, degraded)
	}
	s := call.GetSend()
	if s.GetThread() != "bot-thread" || string(s.GetState()) != "token" {
		t.Errorf("thread %q, state %q", s.GetThread(), s.GetState())
	}
	e := receivedEnvelope(t, call)
	if e.Text() != "hello" || e.ID != "env-2" || e.Epoch != 3 || e.Hops != 3 || e.Conversation != "conv1" ||
		e.AcceptedAt.Unix() != 1000 {
		t.Errorf("envelope %+v", e)
	}
	if diff := cmp.Diff(map[string]string{"native.tag": "x", "lang": "en"}, e.Attributes); diff != "" {
		t.Errorf("attributes differ:\n%s", diff)
	}
	var history []string
	for _, encoded := range s.GetHistory() {
		e, err := protocol.DecodeEnvelope(encoded)
		if err != nil {
			t.Fatal(err)
		}
		history = append(history, e.Text())
	}
	if diff := cmp.Diff([]string{"before", "then"}, history); diff != "" {
		t.Errorf("history differs, want it without purged messages:\n%s", diff)
	}
}

func TestCopyCarriesTheDecisionAboutTheOriginal(t *testing.T) {
	call, _ := callFor(t, Channel{}, func(_ *harness, d *state.Delivery) {
		d.Copy, d.Reason, d.Decision = true, "audit", state.Decision{Status: state.StatusSent, Channel: "desk"}
	})
	want := &pluginpb.Copy{Rule: "audit", Decision: "sent", Channel: "desk"}
	if got := call.GetSend().GetCopy(); !proto.Equal(got, want) {
		t.Errorf("copy %v, want %v", got, want)
	}
}

func TestPieces(t *testing.T) {
	const limit = 40
	long := "The quick brown fox jumps over the lazy dog, again and again, until the day is done. Ünïcödé ends it."
	var joined string
	n := uint32(3)
	for i := range n {
		call, _ := callFor(t, Channel{Target: render.Target{TextBytes: limit}}, func(h *harness, d *state.Delivery) {
			d.Item, d.Piece, d.Pieces = h.storeEnvelope(message(long)), i, n
		})
		piece := receivedEnvelope(t, call).Text()
		if len(piece) > limit || piece == "" {
			t.Errorf("piece %d has %d bytes, want 1 to %d", i, len(piece), limit)
		}
		joined += piece
	}
	if joined != long {
		t.Errorf("the joined pieces are %q, want %q", joined, long)
	}
}

func TestEmptyPieceIsNotSent(t *testing.T) {
	call, degraded := callFor(t, Channel{Target: render.Target{TextBytes: 10}}, func(h *harness, d *state.Delivery) {
		d.Item, d.Piece, d.Pieces = h.storeEnvelope(message("short")), 1, 3
	})
	if call != nil || degraded != "nothing to send" {
		t.Errorf("call %v, degraded %q; want none", call, degraded)
	}
}

func messageWithImage(text string) *envelope.Envelope {
	e := message(text)
	e.Parts = append(e.Parts, envelope.Part{Type: envelope.PartImage, URL: "https://pics.example/1.png", Name: "1.png"})
	return e
}

func TestTranscript(t *testing.T) {
	agent := message("How can I help?")
	agent.Sender.Role = envelope.RoleAgent
	bot := message("I am a bot")
	bot.Sender.Role = envelope.RoleBot
	call, _ := callFor(t, Channel{}, func(h *harness, d *state.Delivery) {
		d.Kind = state.KindTranscript
		d.Item = state.Item{}
		d.History = []state.Item{h.storeEnvelope(message("hello")), h.storeEnvelope(bot),
			{Pos: state.Position{Seq: 999}}, h.storeEnvelope(messageWithImage("see")), h.storeEnvelope(agent)}
	})
	e := receivedEnvelope(t, call)
	want := "Customer: hello\nAssistant: I am a bot\nCustomer: see\n[image] 1.png " +
		"https://pics.example/1.png\nAgent: How can I help?"
	if e.Text() != want {
		t.Errorf("transcript %q, want %q", e.Text(), want)
	}
	if e.Sender.Role != envelope.RoleSystem || e.Attributes["transcript"] != "true" || e.ID != "d1" ||
		e.Thread != "bot-thread" {
		t.Errorf("envelope %+v", e)
	}
}

func TestTranscriptWithPurgedHistory(t *testing.T) {
	call, degraded := callFor(t, Channel{}, func(_ *harness, d *state.Delivery) {
		d.Kind, d.Item = state.KindTranscript, state.Item{}
		d.History = []state.Item{{Pos: state.Position{Seq: 999}}}
	})
	if call != nil || degraded != "nothing to send" {
		t.Errorf("call %v, degraded %q; want none", call, degraded)
	}
}

func TestOpen(t *testing.T) {
	call, _ := callFor(t, Channel{}, func(_ *harness, d *state.Delivery) {
		d.Kind, d.Offer, d.Reason, d.Epoch = state.KindOpen, true, "ask-for-an-agent", 7
	})
	if call.GetOpen() == nil {
		t.Fatalf("call %v, want an open", call)
	}
	o := call.GetOpen()
	if o.GetConversation() != "conv1" || o.GetEpoch() != 7 || !o.GetOffer() || o.GetReason() != "ask-for-an-agent" ||
		o.GetAttributes()["lang"] != "en" {
		t.Errorf("open %v", o)
	}
	if want := envelope.ShortID("web", "w1"); o.GetCustomerId() != want {
		t.Errorf("customer %q, want %q", o.GetCustomerId(), want)
	}
}

func TestJoinedMessagesAreOneText(t *testing.T) {
	call, _ := callFor(t, Channel{}, func(h *harness, d *state.Delivery) {
		d.Item = h.storeEnvelope(message("one"))
		d.Joined = []state.Item{h.storeEnvelope(message("two")), h.storeEnvelope(message("three"))}
	})
	if text := receivedEnvelope(t, call).Text(); text != "one\ntwo\nthree" {
		t.Errorf("the bot got %q", text)
	}
}
