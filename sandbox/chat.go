package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
)

// entry is one line of the chat page.
type entry struct {
	ID          string        `json:"id,omitempty"` // of a customer's message
	At          time.Time     `json:"at"`
	Role        string        `json:"role"` // customer, bot, agent or system; problem: the message ID was not accepted
	Name        string        `json:"name,omitempty"`
	Text        string        `json:"text,omitempty"`
	Event       *native.Event `json:"event,omitempty"`
	Suggestions []string      `json:"suggestions,omitempty"`
	Media       []native.File `json:"media,omitempty"`
}

// addAnswer adds an answer to the customer's chat page.
func (s *Sandbox) addAnswer(a native.Answer) {
	s.chats.Get(a.UserID).Append(entry{
		At: a.At, Role: a.Payload.Sender.Role, Name: a.Payload.Sender.Name, Text: a.Payload.BotSay,
		Event: a.Payload.Event, Suggestions: a.Payload.Suggestions, Media: a.Payload.Media,
	})
}

// chatMessage sends a customer's text to the gateway.
func (s *Sandbox) chatMessage(r *simulator.Request, f *form) (any, error) {
	id, err := messageID(f.User, f.ID)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(f.Text)
	if text == "" {
		return nil, errors.New("text: missing")
	}
	return struct{}{}, s.say(r.Context(), f.User, text, id)
}

// chatPicture sends a customer's picture to the gateway.
func (s *Sandbox) chatPicture(r *simulator.Request) (any, error) {
	user := r.URL.Query().Get("user")
	id, err := messageID(user, r.URL.Query().Get("id"))
	if err != nil {
		return nil, err
	}
	p, err := readPicture(r)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.sendPicture(r.Context(), user, p, id)
}

// messageID returns the page's id of a user's message, or a new id if it is empty. A repeated message has the same id.
func messageID(user, id string) (string, error) {
	if !userID.MatchString(user) {
		return "", errUser
	}
	if id != "" && !userID.MatchString(id) {
		return "", errors.New("id: must be 1 to 64 letters, digits, dashes and underscores")
	}
	return cmp.Or(id, "m-"+rand.Text()), nil
}

// say sends a customer's text to the gateway and adds it to the chat page.
func (s *Sandbox) say(ctx context.Context, user, text, id string) error {
	return s.send(ctx, user, text, entry{ID: id, Role: "customer", Text: text}, native.WithMessageID(id))
}

// sendPicture sends a customer's picture to the gateway, as a link to the sandbox, and adds it to the chat page.
func (s *Sandbox) sendPicture(ctx context.Context, user string, p picture, id string) error {
	path := "/livechat" + s.Livechat.AddFile(p.name, p.contentType, p.content)
	f := native.File{Type: "image", URL: path, ContentType: p.contentType, Name: p.name, Size: int64(len(p.content))}
	e := entry{ID: id, Role: "customer", Media: []native.File{f}}
	f.URL = s.URL() + path // the page keeps the path: a browser may reach this host by another name
	return s.send(ctx, user, "", e, native.WithMessageID(id), native.WithMedia(f))
}

// send adds a message to the chat page and sends it to the gateway, in this order: an answer may arrive before the
// gateway's response.
func (s *Sandbox) send(ctx context.Context, user, text string, e entry, options ...native.Option) error {
	chat := s.chats.Get(user)
	e.At = time.Now()
	chat.Append(e)
	status, body, err := s.Livechat.Say(ctx, user, text, options...)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %.200s", status, body)
	}
	if err != nil {
		s.o.Logger.Warn("message not accepted", "error", err)
		chat.Append(entry{ID: e.ID, At: time.Now(), Role: "problem"})
		return simulator.Refused(http.StatusBadGateway, "The gateway did not accept the message: "+err.Error())
	}
	return nil
}

// chatEvents streams the entries of a user's chat page, from the one after Last-Event-ID.
func (s *Sandbox) chatEvents(w http.ResponseWriter, r *http.Request) {
	user := r.URL.Query().Get("user")
	if !userID.MatchString(user) {
		http.Error(w, errUser.Error(), http.StatusBadRequest)
		return
	}
	log, from := s.chats.Get(user), 0
	last, err := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	if err == nil && 0 <= last && last < log.Len() { // else the page is new, or the sandbox has been restarted
		from = last + 1
	}
	startStream(w)
	for {
		entries, err := log.Next(r.Context(), from)
		if err != nil {
			return
		}
		for _, e := range entries {
			if sendEvent(w, from, e) != nil {
				return
			}
			from++
		}
	}
}

// startStream begins a stream of server-sent events.
func startStream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	_ = http.NewResponseController(w).Flush() // fails only if the page is closed
}

// sendEvent writes one event. JSON has no raw line breaks, so data is one line.
func sendEvent(w http.ResponseWriter, id int, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", id, data); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}
