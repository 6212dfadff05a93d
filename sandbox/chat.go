package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	livechat "patchbay/plugins/native/simulator"
	"patchbay/sandbox/record"
)

// entry is one line of the chat page.
type entry struct {
	At          time.Time         `json:"at"`
	Role        string            `json:"role"` // customer, bot, agent, system, or problem
	Name        string            `json:"name,omitempty"`
	Text        string            `json:"text,omitempty"`
	Event       *livechat.Event   `json:"event,omitempty"`
	Suggestions []string          `json:"suggestions,omitempty"`
	Media       []json.RawMessage `json:"media,omitempty"`
}

// transcripts holds what was said on the chat page, by user. The zero value is ready to use.
type transcripts struct {
	byUser sync.Map // user id → *record.Log[entry]
}

func (t *transcripts) of(user string) *record.Log[entry] {
	l, _ := t.byUser.LoadOrStore(user, new(record.Log[entry]))
	return l.(*record.Log[entry])
}

func (t *transcripts) answered(a livechat.Answer) {
	t.of(a.UserID).Append(entry{
		At: a.At, Role: a.Payload.Sender.Role, Name: a.Payload.Sender.Name, Text: a.Payload.BotSay,
		Event: a.Payload.Event, Suggestions: a.Payload.Suggestions, Media: a.Payload.Media,
	})
}

// chatSay passes a customer's words to the gateway.
func (s *Sandbox) chatSay(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(w, r)
	if err != nil {
		sendProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	if !validUser(f.User) || f.Text == "" {
		sendProblem(w, http.StatusBadRequest, "user id or text is missing or not usable")
		return
	}
	if err := s.Say(r.Context(), f.User, f.Text); err != nil {
		s.o.Logger.Warn("message not taken", "error", err)
		sendProblem(w, http.StatusBadGateway, "The gateway did not take the message: "+err.Error())
		return
	}
	sendJSON(w, http.StatusAccepted, struct{}{})
}

// Say sends a customer's words to the gateway and notes them in the transcript.
func (s *Sandbox) Say(ctx context.Context, user, text string) error {
	return s.say(ctx, user, text, "m-"+rand.Text())
}

func (s *Sandbox) say(ctx context.Context, user, text, id string) error {
	chat := s.chats.of(user)
	// Noted first: an answer may be here before the gateway's 200 is.
	chat.Append(entry{At: time.Now(), Role: "customer", Text: text})
	status, body, err := s.Livechat.Say(ctx, user, text, livechat.WithMessageID(id))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %.200s", status, body)
	}
	if err != nil {
		chat.Append(entry{At: time.Now(), Role: "problem", Text: "Not sent: " + text})
	}
	return err
}

// chatEvents streams a user's transcript from the entry after Last-Event-ID.
func (s *Sandbox) chatEvents(w http.ResponseWriter, r *http.Request) {
	user := r.URL.Query().Get("user")
	if !validUser(user) {
		sendProblem(w, http.StatusBadRequest, "user is missing or not usable")
		return
	}
	from := 0
	if last, err := strconv.Atoi(r.Header.Get("Last-Event-ID")); err == nil && last >= 0 {
		from = last + 1
	}
	log := s.chats.of(user)
	if from > log.Len() { // the sandbox was started anew since
		from = 0
	}
	out := newStream(w)
	if err := out.rc.Flush(); err != nil {
		return
	}
	for {
		entries, err := wait(r.Context(), out, func(ctx context.Context) ([]entry, error) {
			return log.Next(ctx, from)
		})
		if err != nil {
			return
		}
		for _, e := range entries {
			if out.send(from, e) != nil {
				return
			}
			from++
		}
	}
}
