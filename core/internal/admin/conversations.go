package admin

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/trail"
)

// maxWaiters bounds a list of conversations in which something waits.
const maxWaiters = 50

// Waiter is a live conversation in which something waits: a delivery, or the customer for an answer.
type Waiter struct {
	Conversation string    `json:"conversation"`
	Since        time.Time `json:"since"`
	Owner        string    `json:"owner"`
	Channel      string    `json:"channel"` // that it waits for longest
	Waiting      int       `json:"waiting"` // deliveries and held messages
	Why          string    `json:"why"`

	trail *trail.Conversation
}

// waiterList answers GET /api/conversations[?channel=…]: those that wait longest, the longest first.
func (a *Admin) waiterList(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), apiTimeout)
	defer cancel()
	list := []Waiter{}
	err := a.Writer.View(ctx, func(b *conversation.State) { list = append(list, waiters(b, r.URL.Query().Get("channel"))...) })
	if err != nil {
		a.fail(w, "conversations", err)
		return
	}
	for i := range list {
		a.explain(list[i].trail)
		list[i].Waiting, list[i].Why = len(list[i].trail.Waiting), reason(&list[i])
	}
	reply(w, http.StatusOK, map[string]any{"conversations": list})
}

// waiters returns the conversations that have waited longest, for the given channel if it is not "".
func waiters(b *conversation.State, channel string) []Waiter {
	var all []Waiter
	b.All(func(c *conversation.Conversation) bool {
		since, towards := c.UnansweredSince, c.Owner
		if c.Offer != nil {
			towards = c.Offer.Target
		}
		if channel != "" && channel != towards {
			since = time.Time{}
		}
		for i := range c.Lanes {
			head := c.Lanes[i].Queue[0].QueuedAt
			if (channel == "" || channel == c.Lanes[i].Channel) && (since.IsZero() || head.Before(since)) {
				since, towards = head, c.Lanes[i].Channel
			}
		}
		if !since.IsZero() {
			all = append(all, Waiter{Conversation: c.ID, Since: since.UTC(), Owner: c.Owner, Channel: towards})
		}
		return true
	})
	slices.SortFunc(all, func(x, y Waiter) int {
		return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.Conversation, y.Conversation))
	})
	all = slices.Clip(all[:min(len(all), maxWaiters)])
	for i := range all {
		all[i].trail = trail.Describe(b, all[i].Conversation)
	}
	return all
}

// reason says why a conversation waits: what the head of the channel's lane waits for, else what is held, else that nobody
// has answered.
func reason(w *Waiter) string {
	held := ""
	for _, d := range w.trail.Waiting {
		switch {
		case d.Delivery == "":
			held = d.Why
		case d.Channel == w.Channel:
			return d.Why
		}
	}
	return cmp.Or(held, w.Owner+" has not answered the customer")
}
