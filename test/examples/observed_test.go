package examples

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"patchbay/core/conversationtest"
	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/test/harness"
)

// exampleTrail is the trail of a conversation.
type exampleTrail struct {
	ID      string
	Entries []harness.Entry
	State   struct {
		Owner, Home, Offer string
		ClosedBy           string `json:"closed_by"`
		Attributes         map[string]string
	}
	Pending []harness.PendingDelivery
}

// isIdle reports whether a conversation exists and has no pending deliveries, except to channels that are down.
func (w *exampleWorld) isIdle(trail *exampleTrail) bool {
	return trail.ID != "" && !slices.ContainsFunc(trail.Pending, func(d harness.PendingDelivery) bool {
		return d.Delivery != "" && !w.down[d.Channel]
	})
}

// trails returns the trail of each customer's newest conversation, by the customer's thread.
func (w *exampleWorld) trails(t *testing.T) map[string]exampleTrail {
	t.Helper()
	out := map[string]exampleTrail{}
	for _, c := range w.customers {
		query := url.Values{"id": {c.thread()}, "text": {"1"}, "all": {"1"}}
		status, body := w.Get("/api/trace?" + query.Encode())
		var found struct{ Conversations []exampleTrail }
		if status != http.StatusOK {
			continue
		}
		if err := json.Unmarshal([]byte(body), &found); err != nil {
			t.Fatal(err)
		}
		if n := len(found.Conversations); n > 0 {
			out[c.thread()] = found.Conversations[n-1]
		}
	}
	return out
}

// observe returns the events of a customer since the numbers in c.seen, and the new numbers. The messages are those at
// the vendors.
func (w *exampleWorld) observe(
	c *exampleCustomer, s *conversationtest.Step, trail *exampleTrail,
) (*conversationtest.Observed, map[string]int) {
	next := map[string]int{"": len(trail.Entries)}
	if c.seen["trail of "+trail.ID] == 0 { // a new conversation
		delete(c.seen, "")
	}
	next["trail of "+trail.ID] = 1
	o := &conversationtest.Observed{
		To: map[string][]conversationtest.Message{}, Owner: trail.State.Owner, Home: trail.State.Home,
		Offer: trail.State.Offer, Closed: trail.State.ClosedBy, Attributes: trail.State.Attributes,
	}
	entries := trail.Entries[min(c.seen[""], len(trail.Entries)):]
	w.describe(o, entries, s)
	letters := w.deadLetters(trail.ID)
	next["dead"] = len(letters)
	o.Dead = letters[min(c.seen["dead"], len(letters)):]
	received := func(channel string, texts []string) {
		next[channel] = len(texts)
		for _, text := range texts[min(c.seen[channel], len(texts)):] {
			o.To[channel] = append(o.To[channel], conversationtest.Message{Text: text, Attributes: trail.State.Attributes})
		}
	}
	if chat := w.chats[c.channel]; chat != nil {
		var notices int
		received(c.channel, w.customerTexts(c))
		o.Notices, notices = noticesOf(chat.AllAnswers(c.user), c.seen["notices"])
		next["notices"] = notices
	}
	for name, bot := range w.bots {
		var texts []string
		for _, a := range bot.SendCalls.Select(func(a botwebhook.SendCall) bool { return a.Conversation.UserID == c.thread() }) {
			texts = append(texts, botwebhook.Question(a.Messages))
		}
		received(name, texts)
	}
	for name, proxy := range w.proxies {
		var texts []string
		for _, a := range proxy.Calls.Select(func(a native.ProxyCall) bool { return a.UserID == c.thread() }) {
			texts = append(texts, a.Text)
		}
		received(name, texts)
	}
	for name, archive := range w.observers {
		var texts []string
		for _, c := range archive.Copies.All() {
			if c.Envelope.Kind == "message" && c.Envelope.Conversation == trail.ID {
				texts = append(texts, c.Text())
			}
		}
		received(name, texts)
	}
	received("desk", w.deskTexts(c, trail.Entries))
	maps.Copy(next, onlyInOld(c.seen, next))
	return o, next
}

// customerTexts returns the texts that a customer received.
func (w *exampleWorld) customerTexts(c *exampleCustomer) []string {
	return answerTexts(w.chats[c.channel].AllAnswers(c.user))
}

func onlyInOld(old, next map[string]int) map[string]int {
	out := maps.Clone(old)
	maps.DeleteFunc(out, func(k string, _ int) bool { _, ok := next[k]; return ok })
	return out
}

// deskTexts returns the texts of the customer's messages at the desk. It omits transcripts.
func (w *exampleWorld) deskTexts(c *exampleCustomer, entries []harness.Entry) []string {
	said := map[string]bool{}
	for _, e := range entries {
		said[e.Text] = said[e.Text] || e.Step == "accepted"
	}
	var out []string
	chat, _ := w.desk.Chat(c.thread())
	for _, l := range chat.Lines {
		if l.From == "customer" && said[l.Text] {
			out = append(out, l.Text)
		}
	}
	return out
}

func answerTexts(answers []native.Answer) []string {
	var out []string
	for _, a := range answers {
		if a.Payload.BotSay != "" {
			out = append(out, a.Payload.BotSay)
		}
	}
	return out
}

// noticesOf returns the notices after the first ones, and the number of all notices.
func noticesOf(answers []native.Answer, after int) (notices []string, total int) {
	for _, a := range answers {
		if a.Payload.BotSay != "" && a.Payload.Sender.Role == "system" {
			notices = append(notices, a.Payload.BotSay)
		}
	}
	return notices[min(after, len(notices)):], len(notices)
}

// deadLetters returns the dead letters of a conversation in the order of the API.
func (w *exampleWorld) deadLetters(conversation string) []conversationtest.Dead {
	var list struct {
		DeadLetters []struct{ Conversation, Channel, Error string } `json:"dead_letters"`
	}
	if status, body := w.Get("/api/dead-letters"); status != http.StatusOK || json.Unmarshal([]byte(body), &list) != nil {
		w.Fatalf("dead letters: %d %s", status, body)
	}
	out := []conversationtest.Dead{}
	for _, d := range list.DeadLetters {
		if d.Conversation == conversation {
			out = append(out, conversationtest.Dead{Channel: d.Channel, Error: d.Error})
		}
	}
	return out
}

// describe sets the fields of o that come from trail entries: rules, reason, status of the message, and end.
func (w *exampleWorld) describe(o *conversationtest.Observed, entries []harness.Entry, s *conversationtest.Step) {
	message, offerReason := "", ""
	for _, e := range entries {
		kind, isOffer := strings.CutPrefix(e.Step, "offer ")
		switch {
		case e.Step == "routed" && e.Rule != "":
			o.Rules = append(o.Rules, strings.Split(e.Rule, ", ")...)
		case e.Step == "passed":
			o.Reason = e.Rule
		case isOffer && kind != "accepted":
			if offerReason = e.Detail; offerReason == "" {
				offerReason = kind
			}
		case e.Step == "accepted" && e.Channel == s.From && e.Text == s.Text:
			message, o.Message = e.Envelope, conversationtest.MessageSent
		case message != "" && e.Envelope == message && e.Step == "queued" && w.observers[e.Channel] == nil:
			o.Message = conversationtest.MessageSent
		case message != "" && e.Envelope == message && slices.Contains([]string{
			conversationtest.MessageHeld, conversationtest.MessageDropped, conversationtest.MessageFenced,
			conversationtest.MessageUnrouted, conversationtest.MessageBlank,
		}, e.Step):
			o.Message = e.Step
		case e.Step == "closed" && o.Closed == "":
			o.Closed = e.Rule
		}
	}
	if o.Reason == "" {
		o.Reason = offerReason
	}
}
