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

	"patchbay/sandbox/native"
	"patchbay/sandbox/record"
)

// entry is one line of the chat page.
type entry struct {
	At          time.Time         `json:"at"`
	Role        string            `json:"role"` // customer, bot, agent, system, or problem
	Name        string            `json:"name,omitempty"`
	Text        string            `json:"text,omitempty"`
	Event       *native.Event     `json:"event,omitempty"`
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

func (t *transcripts) answered(a native.Answer) {
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
	return s.pass(ctx, user, text, entry{Role: "customer", Text: text}, native.WithMessageID(id))
}

// show sends a customer's picture to the gateway, as a link to the shelf, and notes it in the transcript.
func (s *Sandbox) show(ctx context.Context, user string, p picture, id string) error {
	address := "/chat/files/" + s.shelf.put(p)
	m := medium{
		Type: "image", URL: s.URL() + address, ContentType: p.contentType, Name: p.name, Size: len(p.content),
	}
	body, err := json.Marshal(pictureCall{
		UserID: user, AccessToken: s.o.Credentials.NativeAccessToken, MessageID: id,
		Payload: picturePayload{UserInfo: userInfo{ID: user}, Media: []medium{m}},
	})
	if err != nil {
		return fmt.Errorf("encode picture: %w", err)
	}
	m.URL = address // on the page, whatever name its visitor has for this host
	shown, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode picture: %w", err)
	}
	return s.pass(ctx, user, p.name, entry{Role: "customer", Media: []json.RawMessage{shown}},
		native.WithBody("application/json", body))
}

// pass has the live chat send something, after noting it in the transcript: an answer may be here before the gateway's
// 200 is.
func (s *Sandbox) pass(ctx context.Context, user, what string, e entry, option native.Option) error {
	chat := s.chats.of(user)
	e.At = time.Now()
	chat.Append(e)
	status, body, err := s.Livechat.Say(ctx, user, what, option)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %.200s", status, body)
	}
	if err != nil {
		chat.Append(entry{At: time.Now(), Role: "problem", Text: "Not sent: " + what})
	}
	return err
}

// pictureCall is the live chat's call with a picture, which is our addition to its document.
type pictureCall struct {
	UserID      string         `json:"userId"`
	AccessToken string         `json:"accessToken"`
	MessageID   string         `json:"messageId"`
	Payload     picturePayload `json:"payload"`
}

type picturePayload struct {
	UserInfo userInfo `json:"userInfo"`
	Media    []medium `json:"media"`
}

type userInfo struct {
	ID string `json:"id"`
}

// medium is a link to an image, audio, video or file.
type medium struct {
	Type        string `json:"type"`
	URL         string `json:"url"`
	ContentType string `json:"contentType,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int    `json:"size,omitempty"` // bytes
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
