package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"patchbay/sandbox/aicc"
)

// agentName is who accepts on the desk page.
const agentName = "Kim"

var errAction = errors.New("unknown action")

// deskState is everything that the desk page shows.
type deskState struct {
	Chats []aicc.Chat `json:"chats"`
	Open  bool        `json:"open"` // within working hours
}

// deskAct does what the agent clicked: accept, say, close, timeout or hours.
func (s *Sandbox) deskAct(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(w, r)
	if err != nil {
		sendProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	sendDone(w, s.deskDo(r.PathValue("action"), f))
}

// sendDone answers what an agent did with what became of it.
func sendDone(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		sendJSON(w, http.StatusOK, struct{}{})
	case errors.Is(err, errAction):
		sendProblem(w, http.StatusNotFound, err.Error())
	case errors.Is(err, errForm), errors.Is(err, errPicture):
		sendProblem(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, aicc.ErrState):
		sendProblem(w, http.StatusConflict, err.Error())
	default:
		sendProblem(w, http.StatusInternalServerError, err.Error())
	}
}

func (s *Sandbox) deskDo(action string, f form) error {
	switch action {
	case "accept":
		return s.Desk.Accept(f.User, agentName)
	case "say":
		if f.Text == "" {
			return fmt.Errorf("text is missing: %w", errForm)
		}
		_, err := s.Desk.Say(f.User, f.Text)
		return err
	case "close":
		return s.Desk.Hangup(f.User)
	case "timeout":
		return s.Desk.TimeOut(f.User, false)
	case "hours":
		s.Desk.SetOpen(f.Open)
		return nil
	}
	return fmt.Errorf("%w %q: want accept, say, close, timeout or hours", errAction, action)
}

// deskPicture sends a picture from the agent's disk.
func (s *Sandbox) deskPicture(w http.ResponseWriter, r *http.Request) {
	p, err := readPicture(w, r)
	if err == nil && (p.extension() == "gif" || p.extension() == "webp") { // downloadFileStream does not have them
		err = fmt.Errorf("agents send PNG, JPEG or BMP: %w", errPicture)
	}
	if err == nil {
		_, err = s.Desk.SendFile(r.URL.Query().Get("user"), "IMAGE", p.extension(), p.content)
	}
	sendDone(w, err)
}

// deskFile serves a file that is in a chat, of either side.
func (s *Sandbox) deskFile(w http.ResponseWriter, r *http.Request) {
	f, ok := s.Desk.File(r.PathValue("id"))
	if !ok {
		sendProblem(w, http.StatusNotFound, "no such file")
		return
	}
	serveFile(w, aicc.ContentType(f.Type), f.Content)
}

// deskEvents streams the desk as a whole, now and after each change.
func (s *Sandbox) deskEvents(w http.ResponseWriter, r *http.Request) {
	out := newStream(w)
	seen := 0
	for {
		seen = s.Desk.Events.Len() // before the look at the chats: a change in between is sent again
		if out.send(seen, deskState{Chats: s.Desk.Chats(), Open: s.Desk.Open()}) != nil {
			return
		}
		_, err := wait(r.Context(), out, func(ctx context.Context) ([]aicc.Event, error) {
			return s.Desk.Events.Next(ctx, seen)
		})
		if err != nil {
			return
		}
	}
}
