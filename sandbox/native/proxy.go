package native

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"patchbay/sandbox/simulator"
)

// Names of the proxy's endpoints and calls, for faults.
const (
	EndpointProxy  = "proxy"  // the gateway's calls
	EndpointAnswer = "answer" // the calls of the gateway's webhook
)

// ProxyOptions configure a Proxy.
type ProxyOptions struct {
	AccessToken  string // required in the body of each call of the gateway
	WebhookToken string // bearer token of the calls with answers; "" means none
	// WebhookSecret signs the calls with answers by Standard Webhooks. It is "whsec_" and a key in base64, or several
	// of these, separated by spaces. "" means no signature.
	WebhookSecret string
	Retry         simulator.Retry
}

// ProxyCall is one accepted call of the gateway with a customer's message.
type ProxyCall struct {
	UserID       string
	Text         string // userSay
	TargetAgents []string
	Data         string // customPayload.data
	Header       http.Header
}

// Proxy is the simulated message proxy. Its bot repeats each text. It posts answers to the address that SetGateway
// sets. Create it with NewProxy and end it with Close; it is safe for concurrent use.
type Proxy struct {
	*simulator.Vendor
	// Calls lists the accepted calls of the gateway.
	Calls simulator.Log[ProxyCall]

	o ProxyOptions
}

// NewProxy returns a simulated message proxy.
func NewProxy(o ProxyOptions) *Proxy {
	return &Proxy{o: o, Vendor: simulator.NewVendor(o.Retry, nil)}
}

// Handler returns the proxy's endpoint.
func (p *Proxy) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+MessagesPath, p.Endpoint(EndpointProxy, simulator.JSON(p.receive)))
	return mux
}

func (p *Proxy) receive(r *simulator.Request, m *Message) (any, error) {
	switch {
	case m.AccessToken != p.o.AccessToken:
		return nil, simulator.Refused(http.StatusUnauthorized, "accessToken is wrong")
	case m.UserID == "":
		return nil, errors.New("userId is required")
	case m.Payload.UserInfo.ID != m.UserID:
		return nil, errors.New("payload.userInfo.id must be the same as userId")
	case m.Payload.UserSay == "":
		return nil, errors.New("payload.userSay is required")
	case m.MessageID != "" || m.Payload.Media != nil:
		return nil, errors.New("messageId and payload.media are not in the vendor's document")
	}
	a := ProxyCall{UserID: m.UserID, Text: m.Payload.UserSay, Header: r.Header.Clone()}
	if data := m.Payload.UserData; data != nil {
		a.TargetAgents = data.TargetAgents
		var custom struct {
			Data string `json:"data"`
		}
		if raw := data.CustomPayload; raw != nil && simulator.Decode(raw, &custom) != nil {
			return nil, errors.New("payload.userData.customPayload: must be an object with the string data")
		}
		if n := utf8.RuneCountInString(custom.Data); n >= 256 {
			return nil, fmt.Errorf("payload.userData.customPayload.data has %d characters, must be less than 256", n)
		}
		a.Data = custom.Data
	}
	p.Calls.Append(a)
	return struct{}{}, p.send(a.UserID, "You said: "+a.Text, m.Payload.UserData)
}

// Send queues a text of the bot after the earlier answers for user. It returns immediately.
func (p *Proxy) Send(user, text string) error { return p.send(user, text, nil) }

func (p *Proxy) send(user, text string, data *UserData) error {
	body, err := json.Marshal(wireAnswer{
		UserID: user, MessageID: uuid.NewString(), Organization: Organization, ChatbotName: Chatbot,
		SentAt:  time.Now().UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		Payload: Payload{BotSay: text, Sender: Sender{Role: "bot"}, UserInfo: &UserInfo{ID: user}, UserData: data},
	})
	if err != nil {
		return fmt.Errorf("answer %s: %w", user, err)
	}
	id := uuid.NewString()
	return p.Queue(user, simulator.Call{
		Endpoint: EndpointAnswer, URL: p.Gateway(), Body: body,
		Authenticate: func(r *http.Request, body []byte, wrong bool) { p.authenticate(r, id, body, wrong) },
		IsAccepted:   func(status int, _ []byte) bool { return status/100 == 2 },
	})
}

// authenticate adds the credentials of one attempt. All attempts for an answer have the same id; each signature has the
// time of its attempt. If wrong is true, the signature is invalid, or the token if there is no signature.
func (p *Proxy) authenticate(r *http.Request, id string, body []byte, wrong bool) {
	r.Header.Set("Idempotency-Key", id)
	token := p.o.WebhookToken
	if wrong && p.o.WebhookSecret == "" {
		token = "wrong-" + token
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if p.o.WebhookSecret == "" {
		return
	}
	if wrong {
		body = append([]byte("wrong"), body...)
	}
	signature, err := SignatureHeaders(p.o.WebhookSecret, id, time.Now(), body)
	if err != nil {
		panic(err) // the options are wrong
	}
	maps.Copy(r.Header, signature)
}

// SignatureHeaders returns the headers of the Standard Webhooks specification, version 1, for a call at time now. Each
// of the space-separated secrets is "whsec_" and a key of 24 to 64 bytes in base64. The signature is the HMAC-SHA256 of
// "id.timestamp.body", one for each key.
func SignatureHeaders(secrets, id string, now time.Time, body []byte) (http.Header, error) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for secret := range strings.FieldsSeq(secrets) {
		encoded, ok := strings.CutPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < 24 || len(key) > 64 {
			return nil, errors.New(`secret must be "whsec_" and 24 to 64 bytes in base64`)
		}
		m := hmac.New(sha256.New, key)
		m.Write([]byte(id + "." + timestamp + "."))
		m.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
	}
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {strings.Join(signatures, " ")},
	}, nil
}
