package conversation

import (
	"testing"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
)

const blankText = " \u200b\u00a0"

func TestBlankMessagesAreNotRouted(t *testing.T) {
	h := newHarness(t, testPolicy(t,
		route.Rule{Name: "all", From: []string{"customer"}, When: `text != "hello"`, Say: route.Say{Default: "Thank you."}}))
	h.receive(incoming{channel: "web", thread: "w1", text: blankText})
	d := lastChanges[*journal.Change_Disposed](h)
	if len(d) != 1 || d[0].Disposed.GetStatus() != state.StatusBlank || h.state.Find("web", "w1") != "" {
		t.Fatalf("a blank first message: %v", d)
	}
	h.customer("hello")
	h.openThread("faq", "faq-1")
	h.drain("web")
	h.drain("faq")
	h.receive(incoming{channel: "faq", thread: "faq-1", text: "answer"})
	h.drain("web")
	h.customer(blankText)
	h.want("status", h.status(blankText), state.StatusBlank)
	h.wantLines("to the bot", h.drain("faq"))
	h.wantLines("to the customer", h.drain("web"))
	if !h.conv().UnansweredSince.IsZero() {
		t.Error("a blank message waits for an answer")
	}
	h.receive(incoming{channel: "faq", thread: "faq-1", text: blankText + "\t"})
	h.want("status of the bot's message", h.status(blankText+"\t"), state.StatusBlank)
	h.wantLines("to the customer", h.drain("web"))
	for _, entry := range h.conv().History {
		if text := h.text(entry.Pos); text != "hello" && text != "answer" {
			t.Errorf("the history has %q", text)
		}
	}
}
