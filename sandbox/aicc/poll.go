package aicc

import (
	"errors"
	"slices"

	"patchbay/sandbox/simulator"
)

// maxMailbox is the maximum number of messages kept for a customer's next poll. Older messages are dropped.
const maxMailbox = 1000

// polledMsg is one message in the response to a poll.
type polledMsg struct {
	DownLinkMsg
	SenderAvatar  *string `json:"senderAvatar"`
	InterIdx      int     `json:"interIdx"`      // number of the message, counted for each customer
	ContentType   *string `json:"contentType"`   // "1" for a file from the agent's disk
	MediaFileType *string `json:"mediaFileType"` // extension
}

// mailbox contains the messages for a customer since the last poll, and the number of all messages for the customer.
type mailbox struct {
	messages []polledMsg
	count    int
}

// addToMailboxes adds messages to the customers' mailboxes.
func (s *Simulator) addToMailboxes(messages []DownLinkMsg) {
	for _, m := range messages {
		p := polledMsg{DownLinkMsg: m}
		if id := s.fileOf(m); id != "" {
			f, _ := s.files.Get(id)
			p.MediaFileType = &f.Type
			if id != *m.Content {
				p.ContentType = new("1")
			}
		}
		s.mailboxes.Update(m.To, func(b mailbox) mailbox {
			b.count++
			p.InterIdx = b.count
			b.messages = append(b.messages, p)
			b.messages = b.messages[max(0, len(b.messages)-maxMailbox):]
			return b
		})
	}
}

// poll returns the customer's messages since the last poll. It includes read receipts only if the query has
// isNeedRead=true, and drops them otherwise.
func (s *Simulator) poll(r *simulator.Request) (any, error) {
	q := r.URL.Query()
	if q.Get("channel") != "WEB" {
		return nil, errors.New("channel must be WEB")
	}
	if q.Get("receiverId") != r.User {
		return nil, failed(resultFailure, "", "receiverId is not the user of the token")
	}
	polled := []polledMsg{}
	s.mailboxes.Update(r.User, func(b mailbox) mailbox {
		polled = append(polled, b.messages...)
		return mailbox{count: b.count}
	})
	if q.Get("isNeedRead") != "true" {
		polled = slices.DeleteFunc(polled, func(m polledMsg) bool { return m.ControlType == "READ" })
	}
	return map[string]any{
		"resultCode": "0", "resultDesc": "query user messages success.", "downlinkMessages": polled,
	}, nil
}
