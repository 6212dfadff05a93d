package native

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"unicode/utf8"
)

// check demands what the document does.
func (p *Proxy) check(q extended) (Asked, error) {
	payload := q.question.Payload
	if q.AccessToken == nil || subtle.ConstantTimeCompare([]byte(*q.AccessToken), []byte(p.o.AccessToken)) != 1 {
		return Asked{}, &refusal{http.StatusUnauthorized, "accessToken is wrong"}
	}
	if q.UserID == nil || *q.UserID == "" {
		return Asked{}, wrong("userId is required")
	}
	if payload.UserInfo.ID == nil || *payload.UserInfo.ID != *q.UserID {
		return Asked{}, wrong("payload.userInfo.id must be the same as userId")
	}
	beside := len(q.Payload.Media) > 0 || q.Payload.Event != nil
	a := Asked{UserID: *q.UserID, MessageID: q.MessageID, Media: q.Payload.Media, Event: q.Payload.Event}
	if payload.UserSay != nil {
		a.Text = *payload.UserSay
	}
	if a.Text == "" && !beside {
		return a, wrong("payload.userSay is required")
	}
	for i, f := range a.Media {
		if err := f.check(); err != nil {
			return a, wrong("payload.media[%d].%v", i, err)
		}
	}
	if payload.UserData == nil {
		return a, nil
	}
	a.TargetAgents, a.Custom = payload.UserData.TargetAgents, payload.UserData.CustomPayload
	var err error
	a.Data, err = p.customData(a.Custom)
	if err == nil && (a.Custom != nil || a.TargetAgents != nil) {
		p.data.Store(a.UserID, &UserData{TargetAgents: a.TargetAgents, CustomPayload: a.Custom})
	}
	return a, err
}

// customData returns customPayload.data and demands what the revision does.
func (p *Proxy) customData(raw json.RawMessage) (string, error) {
	if raw == nil {
		return "", nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return "", wrong("payload.userData.customPayload must be an object")
	}
	var data *string
	problem := json.Unmarshal(members["data"], &data)
	switch p.o.Revision {
	case Revision0309:
		return "", wrong("payload.userData.customPayload is not known")
	case Revision0410:
		if problem != nil || data == nil {
			return "", nil
		}
		return *data, nil
	}
	for name := range members {
		if name != "data" {
			return "", wrong("payload.userData.customPayload.%s is not known", name)
		}
	}
	if len(members) == 0 {
		return "", nil
	}
	if problem != nil || data == nil {
		return "", wrong("payload.userData.customPayload.data must be a string")
	}
	if n := utf8.RuneCountInString(*data); n >= maxData {
		return "", wrong("payload.userData.customPayload.data has %d characters, must be less than %d", n, maxData)
	}
	return *data, nil
}
