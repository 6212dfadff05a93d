package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
)

// maxWaiting is the maximum number of listed conversations.
const maxWaiting = 50

// WaitingConversation is a conversation with pending deliveries, or with a customer who waits for an answer.
type WaitingConversation struct {
	Conversation string `json:"conversation"`
	trail.Wait
	Owner   string `json:"owner"`
	Pending int    `json:"pending"` // deliveries and held messages
}

// WaitingList has the conversations with the longest waits, at most maxWaiting.
type WaitingList struct {
	Conversations []WaitingConversation `json:"conversations"` // longest wait first
	Total         int                   `json:"total"`         // number of all waiting conversations
	Causes        []WaitingCause        `json:"causes"`        // of all of them, most frequent first
}

// conversationList serves GET /api/conversations[?channel=…].
func (a *Admin) conversationList(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	channel := r.URL.Query().Get("channel")
	list := WaitingList{Conversations: []WaitingConversation{}}
	var longest []*trail.Conversation
	var causes waitingCauses
	known := false
	err := a.Writer.View(ctx, func(s *state.State) {
		longest, list.Total, causes = waitingConversations(s, channel)
		known = a.knowsChannel(s, channel)
	})
	switch {
	case err != nil:
		a.fail(w, "list conversations", err)
		return
	case !known:
		a.replyNoChannel(w, channel)
		return
	}
	for _, c := range longest {
		a.addReasons(c)
		list.Conversations = append(list.Conversations,
			WaitingConversation{Conversation: c.ID, Wait: *c.Wait, Owner: c.State.Owner, Pending: len(c.Pending)})
	}
	list.Causes = a.describeCauses(causes)
	reply(w, http.StatusOK, list)
}

// conversationShow serves GET /api/conversations/{id}.
func (a *Admin) conversationShow(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	var c *trail.Conversation
	err := a.Writer.View(ctx, func(s *state.State) { c = trail.Describe(s, r.PathValue("id"), "") })
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

// waitingConversations returns at most maxWaiting conversations, longest wait first, the number of all waiting
// conversations, and their causes. If a channel is given, only waits for this channel count.
func waitingConversations(s *state.State, channel string) (
	longest []*trail.Conversation, total int, causes waitingCauses,
) {
	type waiting struct {
		id    string
		since time.Time
	}
	var all []waiting
	causes = waitingCauses{}
	deadLetters := map[string]bool{}
	for _, d := range s.DeadLetters() {
		deadLetters[d.Conversation] = true
	}
	s.All(func(c *state.Conversation) bool {
		if w := trail.LongestWait(c, channel); !w.Since.IsZero() {
			all = append(all, waiting{c.ID, w.Since})
			causes.add(&w, w.CauseOf(s, c, deadLetters[c.ID]))
		}
		return true
	})
	slices.SortFunc(all, func(x, y waiting) int { return cmp.Or(x.since.Compare(y.since), cmp.Compare(x.id, y.id)) })
	for _, w := range all[:min(len(all), maxWaiting)] {
		longest = append(longest, trail.Describe(s, w.id, channel))
	}
	return longest, len(all), causes
}

// knowsChannel reports whether a channel is configured, has pending deliveries or dead letters, or owns a conversation.
// This can also be true of a removed channel. The name "" stands for all channels and is known.
func (a *Admin) knowsChannel(s *state.State, name string) bool {
	_, known := a.Running().Config.Channel(name)
	known = known || name == ""
	s.All(func(c *state.Conversation) bool {
		known = known || c.Lane(name) != nil || c.Owner == name
		return !known
	})
	for class := range s.CountDeadLetters() {
		known = known || class.Channel == name
	}
	return known
}

func (a *Admin) replyNoChannel(w http.ResponseWriter, name string) {
	var names []string
	for _, c := range a.Running().Config.Channels {
		names = append(names, c.Name)
	}
	text := fmt.Sprintf("no channel %q; the channels are %s", name, strings.Join(names, ", "))
	reply(w, http.StatusNotFound, problem{text})
}
