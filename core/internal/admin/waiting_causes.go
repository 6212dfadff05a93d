package admin

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/trail"
)

// WaitingCause counts the conversations that wait for a channel with the same cause.
type WaitingCause struct {
	Channel       string    `json:"channel"`
	Cause         string    `json:"cause"`  // see the constants of package trail
	Reason        string    `json:"reason"` // for operators
	Conversations int       `json:"conversations"`
	Since         time.Time `json:"since"` // of the longest wait
}

// waitingCauses counts the waits by channel and cause.
type waitingCauses map[[2]string]*WaitingCause

func (w waitingCauses) add(wait *trail.Wait, cause string) {
	key := [2]string{wait.Channel, cause}
	c := w[key]
	if c == nil {
		c = &WaitingCause{Channel: wait.Channel, Cause: cause, Since: wait.Since}
		w[key] = c
	}
	c.Conversations++
	if wait.Since.Before(c.Since) {
		c.Since = wait.Since
	}
}

// describeCauses returns the causes with their reasons, most frequent first.
func (a *Admin) describeCauses(causes waitingCauses) []WaitingCause {
	list := make([]WaitingCause, 0, len(causes))
	for _, c := range causes {
		c.Reason = map[string]string{
			trail.CauseHeld:       "messages are held until the departure of the owner takes effect",
			trail.CauseOffer:      "offered, and not accepted yet",
			trail.CauseDeadLetter: "messages to the channel are dead letters",
			trail.CauseAnswer:     "has not answered the customer",
		}[c.Cause]
		if c.Cause == trail.CauseDelivery {
			problems := strings.Join(a.channelProblems(a.Running(), c.Channel), "; ")
			c.Reason = cmp.Or(problems, "deliveries are in flight, queued or retried")
		}
		list = append(list, *c)
	}
	slices.SortFunc(list, func(x, y WaitingCause) int {
		return cmp.Or(cmp.Compare(y.Conversations, x.Conversations), cmp.Compare(x.Channel, y.Channel),
			cmp.Compare(x.Cause, y.Cause))
	})
	return list
}
