package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
)

// maxWaiting is the maximum number of listed conversations.
const maxWaiting = 50

// WaitingConversation is a live conversation with pending deliveries, or with a customer who waits for an answer.
type WaitingConversation struct {
	Conversation string    `json:"conversation"`
	Since        time.Time `json:"since"`
	Owner        string    `json:"owner"`
	Channel      string    `json:"channel"` // of the conversation's longest wait
	Pending      int       `json:"pending"` // deliveries and held messages
	Reason       string    `json:"reason"`

	trail *trail.Conversation
}

// conversationList serves GET /api/conversations[?channel=…], longest wait first.
func (a *Admin) conversationList(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	list := []WaitingConversation{}
	err := a.Writer.View(ctx, func(s *state.State) {
		list = append(list, waitingConversations(s, r.URL.Query().Get("channel"))...)
	})
	if err != nil {
		a.fail(w, "list conversations", err)
		return
	}
	for i := range list {
		c := &list[i]
		a.addReasons(c.trail)
		c.Pending, c.Reason = len(c.trail.Pending), c.reason()
	}
	reply(w, http.StatusOK, map[string]any{"conversations": list})
}

// conversationShow serves GET /api/conversations/{id}.
func (a *Admin) conversationShow(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	var c *trail.Conversation
	err := a.Writer.View(ctx, func(s *state.State) { c = trail.Describe(s, r.PathValue("id")) })
	if err != nil {
		a.fail(w, "show the conversation", err)
		return
	}
	if c == nil {
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("no live conversation %q; `patchbay trace` finds ended ones, "+
			"and the conversations of a message, thread or customer", r.PathValue("id"))})
		return
	}
	a.addReasons(c)
	reply(w, http.StatusOK, c)
}

// waitingConversations returns at most maxWaiting conversations, longest wait first. If channel is not "", only waits
// for that channel count.
func waitingConversations(s *state.State, channel string) []WaitingConversation {
	var all []WaitingConversation
	s.All(func(c *state.Conversation) bool {
		if since, waitsFor := longestWait(c, channel); !since.IsZero() {
			all = append(all, WaitingConversation{Conversation: c.ID, Since: since.UTC(), Owner: c.Owner, Channel: waitsFor})
		}
		return true
	})
	slices.SortFunc(all, func(x, y WaitingConversation) int {
		return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.Conversation, y.Conversation))
	})
	all = slices.Clip(all[:min(len(all), maxWaiting)])
	for i := range all {
		all[i].trail = trail.Describe(s, all[i].Conversation)
	}
	return all
}

// longestWait returns the start of a conversation's longest wait and the channel that it waits for. If channel is not
// "", only waits for that channel count. The time is zero if nothing waits.
func longestWait(c *state.Conversation, channel string) (since time.Time, waitsFor string) {
	since, waitsFor = c.UnansweredSince, c.Owner
	if c.Offer != nil {
		waitsFor = c.Offer.Target
	}
	if channel != "" && channel != waitsFor {
		since = time.Time{}
	}
	for i := range c.Lanes {
		head := c.Lanes[i].Queue[0].QueuedAt
		if (channel == "" || channel == c.Lanes[i].Channel) && (since.IsZero() || head.Before(since)) {
			since, waitsFor = head, c.Lanes[i].Channel
		}
	}
	return since, waitsFor
}

// reason returns the reason of the first pending delivery to the channel. If there is none, it returns the reason of a
// held message, and otherwise a text that the owner has not answered.
func (c *WaitingConversation) reason() string {
	held := ""
	for _, d := range c.trail.Pending {
		switch {
		case d.Delivery == "":
			held = d.Reason
		case d.Channel == c.Channel:
			return d.Reason
		}
	}
	return cmp.Or(held, c.Owner+" has not answered the customer")
}
