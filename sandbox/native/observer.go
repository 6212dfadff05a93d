package native

import (
	"encoding/json"
	"errors"
	"net/http"

	"patchbay/sandbox/simulator"
)

// EndpointCopy is the name of the observer's endpoint, for faults.
const EndpointCopy = "copy"

// Copy is one accepted copy of a message or event.
type Copy struct {
	Key      string // Idempotency-Key header
	Rule     string
	Decision string // about a message: sent, held, dropped or unrouted
	Channel  string // that the message was sent to
	Envelope Copied
}

// Copied is the part of a copied envelope that tests read.
type Copied struct {
	ID, Channel, Conversation, Kind string
	Sender                          Sender
	Parts                           []struct{ Type, Text, URL string }
	Attributes                      map[string]string
}

// Text returns the text of the first part.
func (c *Copied) Text() string {
	if len(c.Parts) == 0 {
		return ""
	}
	return c.Parts[0].Text
}

// Observer is a simulated archive that gets copies. Create it with NewObserver and end it with Close; it is safe for
// concurrent use.
type Observer struct {
	*simulator.Vendor
	// Copies lists the accepted copies.
	Copies simulator.Log[Copy]

	token string
}

// NewObserver returns a simulated archive. Calls must have the bearer token.
func NewObserver(token string) *Observer {
	return &Observer{token: token, Vendor: simulator.NewVendor(simulator.Retry{}, ordered)}
}

// Handler returns the archive's endpoint. It accepts copies by POST on every path.
func (o *Observer) Handler() http.Handler { return o.Endpoint(EndpointCopy, o.keep) }

func (o *Observer) keep(r *simulator.Request) (any, error) {
	if r.Header.Get("Authorization") != "Bearer "+o.token {
		return nil, refused(http.StatusUnauthorized, "Authorization is not the token")
	}
	c := Copy{Key: r.Header.Get("Idempotency-Key")}
	err := json.Unmarshal(r.Body, &c)
	if err == nil && (c.Rule == "" || c.Envelope.ID == "" || c.Envelope.Kind == "") {
		err = errors.New("rule, envelope.id and envelope.kind are required")
	}
	if err != nil {
		return nil, refused(http.StatusBadRequest, err.Error())
	}
	o.Copies.Append(c)
	return struct{}{}, nil
}
