package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
	"patchbay/sdk/text"
)

// maxCommandBody bounds the body of a command, in bytes.
const maxCommandBody = 16 << 10

// CommandRequest is the body of an operator's command. The API has no authentication, so the user is only a claim.
type CommandRequest struct {
	User    string `json:"user"`
	Reason  string `json:"reason,omitempty"`  // or the text of a note
	Channel string `json:"channel,omitempty"` // new owner or home
}

// readCommand reads and checks the body of a command. If it is invalid, readCommand answers the request and returns
// nil.
func readCommand(w http.ResponseWriter, r *http.Request, name string) *conversation.Command {
	var req CommandRequest
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxCommandBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&req); err != nil {
		reply(w, http.StatusBadRequest, problem{"read the body: " + err.Error() +
			`; send JSON such as {"user": "ann", "reason": "night shift"}`})
		return nil
	}
	for field, value := range map[string]string{"user": req.User, "reason": req.Reason} {
		if len(value) > conversation.MaxCommandText {
			reply(w, http.StatusBadRequest, problem{fmt.Sprintf("%s: %d bytes, at most %d are possible", field, len(value),
				conversation.MaxCommandText)})
			return nil
		}
	}
	if req.User = text.FirstLine(strings.TrimSpace(req.User)); req.User == "" {
		reply(w, http.StatusBadRequest, problem{"user: missing; name the operator, for the trail"})
		return nil
	}
	return &conversation.Command{
		Name: name, User: req.User, Reason: strings.TrimSpace(req.Reason), Channel: req.Channel,
	}
}

// conversationCommand serves POST /api/conversations/{id}/{close,pass,home,note} and returns the conversation's state
// after the command.
func (a *Admin) conversationCommand(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		cmd := readCommand(w, r, name)
		if cmd == nil {
			return
		}
		id := r.PathValue("id")
		err := a.Writer.Do(r.Context(), func(tx *conversation.Transaction) error { return tx.Command(id, cmd) })
		switch {
		case errors.Is(err, conversation.ErrNoConversation):
			reply(w, http.StatusNotFound, problem{fmt.Sprintf("%s %s: %v", name, id, err)})
			return
		case err != nil:
			reply(w, http.StatusConflict, problem{fmt.Sprintf("%s %s: %v", name, id, err)})
			return
		}
		a.logCommand(cmd, "conversation", id)
		var c *trail.Conversation
		if err := a.Writer.View(r.Context(), func(s *state.State) { c = trail.Describe(s, id, "") }); err != nil {
			a.fail(w, "show the conversation", err)
			return
		}
		if c == nil {
			c = &trail.Conversation{ID: id}
		}
		a.addReasons(c)
		reply(w, http.StatusOK, c)
	}
}

// logCommand logs a command. Notes may contain customers' data, so their text is left out.
func (a *Admin) logCommand(cmd *conversation.Command, attrs ...any) {
	attrs = append([]any{"command", cmd.Name, "user", cmd.User}, attrs...)
	if cmd.Name != "note" && cmd.Reason != "" {
		attrs = append(attrs, "reason", cmd.Reason)
	}
	if cmd.Channel != "" {
		attrs = append(attrs, "channel", cmd.Channel)
	}
	a.Logger.Info("operator's command", attrs...)
}
