package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"patchbay/sandbox/simulator"
)

// wireAnswer is the body of the gateway's call with an answer.
type wireAnswer struct {
	UserID          string  `json:"userId"`
	MessageID       string  `json:"messageId"`
	VendorMessageID string  `json:"vendorMessageId,omitempty"`
	Organization    string  `json:"organization,omitempty"`
	ChatbotName     string  `json:"chatbotName,omitempty"`
	SentAt          string  `json:"sentAt,omitempty"` // RFC 3339, UTC
	Payload         Payload `json:"payload"`
}

// Payload is the content of an answer. It has at least one of a text, an event, media and suggestions.
type Payload struct {
	BotSay      string    `json:"botSay,omitempty"`
	Sender      Sender    `json:"sender"`
	Event       *Event    `json:"event,omitempty"`
	Suggestions []string  `json:"suggestions,omitempty"`
	Media       []File    `json:"media,omitempty"`
	UserInfo    *UserInfo `json:"userInfo,omitempty"`
	UserData    *UserData `json:"userData,omitempty"`
}

// UserInfo repeats the customer's id.
type UserInfo struct {
	ID string `json:"id"`
}

// Sender is the speaker: role bot, agent or system.
type Sender struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
}

// Event is an event of the conversation. Its type is passed, closed or typing.
type Event struct {
	Type      string `json:"type"`
	OwnerRole string `json:"ownerRole,omitempty"`
	Title     string `json:"title,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// UserData is data that the website adds to a customer's message. The message proxy returns it with the answers.
type UserData struct {
	TargetAgents  []string        `json:"targetAgents,omitempty"`
	CustomPayload json.RawMessage `json:"customPayload,omitempty"`
}

// File is a link to a medium in a customer's message or in an answer.
type File struct {
	Type        string `json:"type"` // image, audio, video or file
	URL         string `json:"url"`
	Text        string `json:"text,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Name        string `json:"name,omitempty"`
	Size        int64  `json:"size,omitempty"` // bytes
}

func (r *wireAnswer) validate() error {
	p := r.Payload
	_, err := time.Parse(time.RFC3339, r.SentAt)
	switch {
	case r.UserID == "" || r.MessageID == "":
		return errors.New("userId and messageId are required")
	case p.UserInfo != nil && p.UserInfo.ID != r.UserID:
		return fmt.Errorf("payload.userInfo.id: %q, must be the same as userId", p.UserInfo.ID)
	case r.Organization != "" && r.Organization != Organization, r.ChatbotName != "" && r.ChatbotName != Chatbot:
		return fmt.Errorf("organization/chatbotName: %s/%s, must be "+Organization+"/"+Chatbot, r.Organization, r.ChatbotName)
	case err != nil && r.SentAt != "":
		return fmt.Errorf("sentAt: %q, must be a time in the format of RFC 3339", r.SentAt)
	case !slices.Contains([]string{"bot", "agent", "system"}, p.Sender.Role):
		return fmt.Errorf("payload.sender.role: %q, must be bot, agent or system", p.Sender.Role)
	case p.Event != nil && !slices.Contains([]string{"passed", "closed", "typing"}, p.Event.Type):
		return fmt.Errorf("payload.event.type: %q, must be passed, closed or typing", p.Event.Type)
	case p.BotSay == "" && p.Event == nil && len(p.Media) == 0 && len(p.Suggestions) == 0:
		return errors.New("payload: must have one of botSay, event, media, suggestions")
	}
	for i, f := range p.Media {
		switch {
		case !slices.Contains([]string{"image", "audio", "video", "file"}, f.Type):
			return fmt.Errorf("payload.media[%d].type: %q, must be image, audio, video or file", i, f.Type)
		case !simulator.IsWebAddress(f.URL):
			return fmt.Errorf("payload.media[%d].url: %q, must be an absolute http address", i, f.URL)
		case f.Size < 0:
			return fmt.Errorf("payload.media[%d].size: %d, must be a number of bytes", i, f.Size)
		}
	}
	return nil
}
