package conversation

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/core/internal/state"
	"patchbay/sdk/envelope"
)

// The bounce limit neither counts nor refuses handovers by an operator. Each command adds the change Commanded.

// ErrNoConversation means that no live conversation has the id.
var ErrNoConversation = errors.New("no live conversation has this id; `patchbay trace` finds closed ones")

// reasonOperator is the reason of closes and handovers by an operator's command.
const reasonOperator = state.ReasonOperator

// MaxCommandText bounds the texts of a command, in bytes.
const MaxCommandText = 1024

// Command describes an operator's command.
type Command struct {
	Name    string // close, pass, home, note, pause or resume
	User    string // name that the caller gave; it is not verified
	Reason  string // or the text of a note
	Channel string // that the command names, if any
}

// Command runs a command on a conversation. An error explains why the command was refused; then it has changed
// nothing.
func (tx *Transaction) Command(id string, cmd *Command) error {
	defer tx.beginInput()()
	tx.adapt(id)
	c := tx.layer.Mutable(id)
	if c == nil || c.Closing != "" && cmd.Name != "note" {
		return ErrNoConversation
	}
	tx.adapt(id)
	switch cmd.Name {
	case "note":
		if strings.TrimSpace(cmd.Reason) == "" {
			return errors.New("the note has no text")
		}
		tx.recordCommand(id, cmd)
	case "close":
		tx.recordCommand(id, cmd)
		tx.requestClose(c, reasonOperator)
	case "pass":
		return tx.passByOperator(c, cmd)
	case "home":
		return tx.moveHome(c, cmd)
	default:
		return fmt.Errorf("there is no command %q", cmd.Name)
	}
	return nil
}

func (tx *Transaction) passByOperator(c *state.Conversation, cmd *Command) error {
	to := cmd.Channel
	if to == route.Home {
		to = c.Home
	}
	if err := tx.checkOwner(to); err != nil {
		return err
	}
	if to == c.Owner {
		return fmt.Errorf("channel %s owns the conversation already", to)
	}
	tx.recordCommand(c.ID, cmd)
	tx.pass(c, to, reasonOperator, handoverByOperator)
	return nil
}

// moveHome changes the home of a conversation. If the old home has control, control moves to the new home.
func (tx *Transaction) moveHome(c *state.Conversation, cmd *Command) error {
	if err := tx.checkOwner(cmd.Channel); err != nil {
		return err
	}
	if c.Home == cmd.Channel {
		return fmt.Errorf("channel %s is the home already", cmd.Channel)
	}
	atHome := c.Owner == c.Home
	tx.recordCommand(c.ID, cmd)
	tx.add(c.ID, &journal.Change_HomeMoved{HomeMoved: &journal.HomeMoved{Home: cmd.Channel}})
	if atHome {
		tx.pass(c, cmd.Channel, reasonOperator, handoverByOperator)
	}
	return nil
}

// checkOwner returns an error if a channel cannot own a conversation.
func (tx *Transaction) checkOwner(name string) error {
	var owners []string
	for _, ch := range tx.policy.Channels {
		if ch.Role == envelope.RoleBot || ch.Role == envelope.RoleAgent {
			owners = append(owners, ch.Name)
		}
	}
	if slices.Contains(owners, name) {
		return nil
	}
	slices.Sort(owners)
	return fmt.Errorf("channel %q cannot own a conversation; choose one of %s", name, strings.Join(owners, ", "))
}

// PauseChannel pauses a channel or ends its pause. It reports whether that changed something.
func (tx *Transaction) PauseChannel(channel string, paused bool, cmd *Command) (changed bool) {
	if tx.layer.Pause(channel).Active() == paused {
		return false
	}
	tx.recordCommand("", cmd)
	tx.add("", &journal.Change_ChannelPaused{ChannelPaused: &journal.ChannelPaused{
		Channel: channel, Paused: paused, User: cmd.User, Reason: cmd.Reason,
	}})
	return true
}

// RecordCommand records a command that changes no conversation by itself. Conv is the id of the conversation that it
// concerns. It is "" for none, and the conversation may no longer exist.
func (tx *Transaction) RecordCommand(conv string, cmd *Command) {
	if tx.layer.Conversation(conv) == nil {
		conv = ""
	}
	tx.recordCommand(conv, cmd)
}

func (tx *Transaction) recordCommand(conv string, cmd *Command) {
	tx.add(conv, &journal.Change_Commanded{Commanded: &journal.Commanded{
		Command: cmd.Name, User: cmd.User, Reason: cmd.Reason, Channel: cmd.Channel,
	}})
}
