package admin

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"patchbay/core/internal/attempt"
	"patchbay/core/internal/config"
	"patchbay/core/internal/conversation"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
	"patchbay/sdk/text"
)

// Channel is the state of a channel.
type Channel struct {
	Name        string        `json:"name"`
	Role        string        `json:"role"`
	Adapter     string        `json:"adapter"`
	State       string        `json:"state"`                  // why calls wait, or "ready"
	Breaker     string        `json:"breaker"`                // closed, half-open or open
	VendorPause float64       `json:"vendor_pause,omitempty"` // seconds of the vendor's pause that are left
	Paused      *ChannelPause `json:"paused,omitempty"`
	Opens       *time.Time    `json:"opens,omitempty"`        // when its hours begin, if it is outside its hours
	ReturnUntil *time.Time    `json:"return_until,omitempty"` // of a removed channel: until when its deliveries wait for it
	Queued      int           `json:"queued"`                 // deliveries, including those in flight
	InFlight    int           `json:"in_flight"`
	Oldest      *time.Time    `json:"oldest,omitempty"` // when the oldest of them was queued
	DeadLetters int           `json:"dead_letters"`
}

// ChannelPause is a pause by an operator.
type ChannelPause struct {
	Since  time.Time `json:"since"`
	User   string    `json:"user"`
	Reason string    `json:"reason,omitempty"`
}

// channelList serves GET /api/channels: the configured channels, and removed ones with deliveries, sorted by name.
func (a *Admin) channelList(w http.ResponseWriter, r *http.Request) {
	byName := map[string]*Channel{}
	running := a.Running()
	for i := range running.Config.Channels {
		c := &running.Config.Channels[i]
		byName[c.Name] = &Channel{
			Name: c.Name, Role: string(c.Role), Adapter: c.Adapter, Opens: opensAt(c, a.Now()),
		}
	}
	err := a.Writer.View(r.Context(), func(s *state.State) { countQueues(s, byName) })
	if err != nil {
		a.fail(w, "list the channels", err)
		return
	}
	list := make([]Channel, 0, len(byName))
	for _, c := range byName {
		a.addLaneState(running, c)
		list = append(list, *c)
	}
	slices.SortFunc(list, func(x, y Channel) int { return cmp.Compare(x.Name, y.Name) })
	reply(w, http.StatusOK, map[string]any{"channels": list})
}

// opensAt returns the next time at which the hours of a channel begin, or nil within its hours.
func opensAt(ch *config.Channel, now time.Time) *time.Time {
	if ch == nil || ch.Hours == nil || ch.Hours.Open(now) {
		return nil
	}
	at := ch.Hours.Next(now).UTC()
	return &at
}

// countQueues adds the queues, the dead letters and the pauses of the state.
func countQueues(s *state.State, byName map[string]*Channel) {
	channel := func(name string) *Channel {
		if byName[name] == nil {
			byName[name] = &Channel{Name: name}
		}
		return byName[name]
	}
	s.EachBusy(func(c *state.Conversation) {
		for i := range c.Lanes {
			l := &c.Lanes[i]
			ch := channel(l.Channel)
			ch.Queued += len(l.Queue)
			if first := l.Queue[0].QueuedAt.UTC(); ch.Oldest == nil || first.Before(*ch.Oldest) {
				ch.Oldest = &first
			}
		}
	})
	for class, n := range s.CountDeadLetters() {
		channel(class.Channel).DeadLetters += n
	}
	for name, since := range s.Revision().Vanished {
		if ch := byName[name]; ch != nil {
			until := since.Add(state.VanishedWait).UTC()
			ch.ReturnUntil = &until
		}
	}
	s.EachPause(func(p *state.Pause) {
		if p.Active() {
			channel(p.Channel).Paused = &ChannelPause{Since: p.Since.UTC(), User: p.User, Reason: p.Reason}
		}
	})
}

// addLaneState adds the state of the calls.
func (a *Admin) addLaneState(running *Running, c *Channel) {
	lanes := a.Lanes.State(c.Name)
	c.Breaker, c.VendorPause, c.InFlight = lanes.Breaker, lanes.Pause.Seconds(), lanes.InFlight
	c.State = cmp.Or(strings.Join(a.channelProblems(running, c.Name), "; "), "ready")
}

// channelProblems returns the reasons why a channel does not work as it should, or nothing. /readyz and the list of
// channels show the same reasons.
func (a *Admin) channelProblems(running *Running, name string) []string {
	lanes := a.Lanes.State(name)
	list := []string{a.noCallReason(running, name), overload(&lanes, running.Config.Limits.RefuseAfter())}
	if ch, ok := running.Config.Channel(name); ok && running.Hosts[ch.Adapter] != nil {
		list = append(list, unhealthyReason(running.Hosts[ch.Adapter].Status(), name))
	}
	return slices.DeleteFunc(list, func(reason string) bool { return reason == "" })
}

// unhealthyReason returns the problem that an adapter reports for a channel, or "".
func unhealthyReason(s plugin.Status, name string) string {
	problem, ok := s.Unhealthy[name]
	if !ok {
		return ""
	}
	return "unhealthy: " + strings.TrimPrefix(problem, "channel "+name+": ")
}

// channelPause serves POST /api/channels/{name}/pause and /resume.
func (a *Admin) channelPause(paused bool) http.HandlerFunc {
	command, status := "resume", "ready"
	if paused {
		command, status = "pause", "paused"
	}
	return func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		cmd := readCommand(w, r, command)
		if cmd == nil {
			return
		}
		cmd.Channel = name
		known, changed := false, false
		err := a.Writer.View(r.Context(), func(s *state.State) { known = a.knowsChannel(s, name) || s.Pause(name).Active() })
		if err == nil && !known {
			a.replyNoChannel(w, name)
			return
		}
		if err == nil {
			err = a.Writer.Do(r.Context(), func(tx *conversation.Transaction) error {
				changed = tx.PauseChannel(name, paused, cmd)
				return nil
			})
		}
		if err != nil {
			a.fail(w, command+" a channel", err)
			return
		}
		if changed {
			a.logCommand(cmd)
		}
		reply(w, http.StatusOK, map[string]any{"channel": name, "status": status, "changed": changed})
	}
}

// noCallReason returns the reason why no call to a channel can start, or "".
func (a *Admin) noCallReason(running *Running, name string) string {
	reason := a.stopReason(running, name)
	if pause := a.Lanes.State(name).Pause; reason == "" && pause > 0 {
		reason = "the vendor asked for a pause, which ends in " + pause.Round(time.Second).String()
	}
	return reason
}

// stopReason is noCallReason without the pauses that a vendor asks for.
func (a *Admin) stopReason(running *Running, name string) string {
	ch, ok := running.Config.Channel(name)
	if !ok {
		return "channel " + name + " is not configured"
	}
	if cause, ok := running.Unavailable[name]; ok {
		return "unavailable until a reload or a restart: " + text.FirstLine(cause)
	}
	lanes := a.Lanes.State(name)
	if lanes.Paused {
		return "paused by an operator; `patchbay channel resume " + name + "` ends the pause"
	}
	if h := running.Hosts[ch.Adapter]; h != nil {
		if s := h.Status(); !s.AcceptsCalls() {
			return fmt.Sprintf("adapter %s is %s", ch.Adapter, s.State)
		}
	}
	if lanes.Breaker == "open" {
		return "the channel's circuit breaker is open: " + lanes.Cause
	}
	return ""
}

// overload describes a channel that works but cannot keep up, so that webhooks get 429. For others it returns "".
func overload(s *attempt.ChannelState, limit time.Duration) string {
	if !s.CannotKeepUp(limit) {
		return ""
	}
	return fmt.Sprintf("cannot keep up: all calls have been in use for %s, and the first waiting delivery has waited "+
		"%s for one", s.Full.Round(time.Second), s.Waits.Round(100*time.Millisecond))
}

// pendingReason returns why the head of a lane waits for its call.
func (a *Admin) pendingReason(d *trail.PendingDelivery) string {
	running := a.Running()
	if reason := a.noCallReason(running, d.Channel); reason != "" {
		return reason
	}
	ch, _ := running.Config.Channel(d.Channel)
	s := a.Lanes.State(d.Channel)
	switch opens := opensAt(ch, a.Now()); {
	case opens != nil && d.Kind == state.KindOpen && !d.Offer:
		return "the channel's hours begin at " + opens.Format(time.RFC3339)
	case d.NextAttempt.After(a.Now()):
		return "next attempt at " + d.NextAttempt.Format(time.RFC3339)
	case s.InFlight >= ch.Delivery.Concurrency:
		return fmt.Sprintf("the channel's concurrency limit is reached: %d calls in flight, %d queued",
			s.InFlight, s.Queued)
	}
	return "its call begins soon"
}
