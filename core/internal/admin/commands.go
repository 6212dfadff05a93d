package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/state"
	"patchbay/core/internal/trail"
	"patchbay/core/internal/writer"
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

// readCommand reads and checks the body of a command. If it is invalid, readCommand responds to the request and returns
// nil.
func readCommand(w http.ResponseWriter, r *http.Request, name string) *conversation.Command {
	var req CommandRequest
	return decodeCommand(w, r, name, &req, &req)
}

// decodeCommand is readCommand for a command with further fields: req is a part of body.
func decodeCommand(w http.ResponseWriter, r *http.Request, name string, body any, req *CommandRequest,
) *conversation.Command {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxCommandBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(body); err != nil {
		reply(w, http.StatusBadRequest, problem{"read the body: " + err.Error() +
			`; send JSON such as {"user": "ann", "reason": "night shift"}`})
		return nil
	}
	if req.Channel != "" && name != "pass" && name != "home" {
		reply(w, http.StatusBadRequest, problem{"channel: the command " + name + " has no such field"})
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
		if err != nil {
			a.refuse(w, name+" "+id, err)
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

// refuse responds to a command that the writer has refused: like fail if the gateway cannot act now, with 404 if the
// conversation does not exist, and with 409 if the state does not allow the command. operation is a verb phrase.
func (a *Admin) refuse(w http.ResponseWriter, operation string, err error) {
	status := http.StatusConflict
	switch {
	case errors.Is(err, writer.ErrNotStored), errors.Is(err, writer.ErrStopping), errors.Is(err, context.Canceled):
		a.fail(w, operation, err)
		return
	case errors.Is(err, conversation.ErrNoConversation):
		status = http.StatusNotFound
	}
	reply(w, status, problem{operation + ": " + err.Error()})
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
