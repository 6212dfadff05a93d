package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Payload is the body of an answer: something said, an event, or both.
type Payload struct {
	BotSay      string    `json:"botSay,omitempty"`
	Sender      Sender    `json:"sender"`
	Event       *Event    `json:"event,omitempty"`
	Suggestions []string  `json:"suggestions,omitempty"`
	Media       []Media   `json:"media,omitempty"`
	UserInfo    *UserInfo `json:"userInfo,omitempty"`
	UserData    *UserData `json:"userData,omitempty"`
}

// UserInfo repeats the customer's id.
type UserInfo struct {
	ID string `json:"id"`
}

// Sender is who speaks: role bot, agent or system.
type Sender struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
}

// Event is what happened to the dialogue: type passed, closed or typing.
type Event struct {
	Type      string `json:"type"`
	Owner     string `json:"owner,omitempty"`
	OwnerRole string `json:"ownerRole,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// Media is a file by reference, as the gateway sent it.
type Media = json.RawMessage

// UserData is what the customer's own request carried, handed back.
type UserData struct {
	TargetAgents  []string        `json:"targetAgents,omitempty"`
	CustomPayload json.RawMessage `json:"customPayload,omitempty"`
}

type reply struct {
	UserID          string  `json:"userId"`
	MessageID       string  `json:"messageId"`
	VendorMessageID string  `json:"vendorMessageId,omitempty"`
	Organization    string  `json:"organization,omitempty"`
	ChatbotName     string  `json:"chatbotName,omitempty"`
	SentAt          string  `json:"sentAt,omitempty"` // RFC 3339, UTC
	Payload         Payload `json:"payload"`
}

func (s *Simulator) checkReply(r reply) error {
	p := r.Payload
	if r.UserID == "" || r.MessageID == "" {
		return errors.New("userId and messageId are required")
	}
	if p.UserInfo != nil && p.UserInfo.ID != r.UserID {
		return fmt.Errorf("payload.userInfo.id %q, want userId", p.UserInfo.ID)
	}
	if r.Organization != "" && r.Organization != s.o.Organization || r.ChatbotName != "" && r.ChatbotName != s.o.Chatbot {
		return fmt.Errorf("answer is for %s/%s", r.Organization, r.ChatbotName)
	}
	if _, err := time.Parse(time.RFC3339, r.SentAt); err != nil && r.SentAt != "" {
		return fmt.Errorf("sentAt %q, want RFC 3339", r.SentAt)
	}
	switch p.Sender.Role {
	case "bot", "agent", "system":
	default:
		return fmt.Errorf("payload.sender.role %q, want bot, agent or system", p.Sender.Role)
	}
	if e := p.Event; e != nil && e.Type != "passed" && e.Type != "closed" && e.Type != "typing" {
		return fmt.Errorf("payload.event.type %q, want passed, closed or typing", e.Type)
	}
	if p.BotSay == "" && p.Event == nil && len(p.Media) == 0 && len(p.Suggestions) == 0 {
		return errors.New("payload has none of botSay, event, media, suggestions")
	}
	return nil
}
