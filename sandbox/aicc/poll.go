package aicc

import (
	"net/http"
	"slices"
	"sync"
)

// maxMailbox is how many messages wait for a customer's poll; older ones are lost.
const maxMailbox = 1000

// polledMsg is one message as poll hands it out.
type polledMsg struct {
	DownLinkMsg
	SenderAvatar  *string `json:"senderAvatar"`
	InterIdx      int     `json:"interIdx"`      // counts the customer's messages
	ContentType   *string `json:"contentType"`   // "1" for a file from the agent's disk
	MediaFileType *string `json:"mediaFileType"` // extension
}

// mailboxes holds what was not polled yet, by user id. The zero value is ready to use.
type mailboxes struct {
	mu    sync.Mutex
	byID  map[string][]polledMsg
	count map[string]int
}

func (b *mailboxes) add(user string, m polledMsg) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byID == nil {
		b.byID, b.count = map[string][]polledMsg{}, map[string]int{}
	}
	b.count[user]++
	m.InterIdx = b.count[user]
	box := append(b.byID[user], m)
	b.byID[user] = box[max(0, len(box)-maxMailbox):]
}

// take empties a mailbox.
func (b *mailboxes) take(user string) []polledMsg {
	b.mu.Lock()
	defer b.mu.Unlock()
	box := b.byID[user]
	delete(b.byID, user)
	return box
}

// post puts messages into the customer's mailbox.
func (s *Simulator) post(messages []DownLinkMsg) {
	if s.o.Discard && !s.o.PushOff {
		return
	}
	for _, m := range messages {
		p := polledMsg{DownLinkMsg: m}
		if m.MediaType != nil && m.Content != nil {
			p.ContentType, p.MediaFileType = s.origin(*m.MediaType, *m.Content)
		}
		s.mailboxes.add(m.To, p)
	}
}

// origin says where a message's file comes from and of which type it is. Both are null for what is no file.
func (s *Simulator) origin(mediaType, content string) (contentType, fileType *string) {
	id := s.fileOf(mediaType, content)
	if id == "" {
		return nil, nil
	}
	if id != content {
		local := "1"
		contentType = &local
	}
	if f, _ := s.files.get(id); f.Type != "" {
		fileType = &f.Type
	}
	return contentType, fileType
}

// poll hands out what came for the customer since the last poll. Reports of what agents read are in it only if the
// query says isNeedRead=true; without, they are lost like everything that a poll took.
func (s *Simulator) poll(w http.ResponseWriter, r *http.Request, user string) {
	q := r.URL.Query()
	if q.Get("channel") != "WEB" {
		s.refuse(w, http.StatusBadRequest, "channel must be WEB")
		return
	}
	if q.Get("receiverId") != user {
		s.result(w, result{code: resultFailure, problem: "receiverId is not the user of the token"})
		return
	}
	box := s.mailboxes.take(user)
	if q.Get("isNeedRead") != "true" {
		box = slices.DeleteFunc(box, func(m polledMsg) bool { return m.ControlType == "READ" })
	}
	if box == nil {
		box = []polledMsg{}
	}
	s.polls.Add(1)
	writeJSON(w, http.StatusOK, map[string]any{
		"resultCode": "0", "resultDesc": "query user messages success.", "downlinkMessages": box,
	})
}
