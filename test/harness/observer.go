package harness

import (
	"encoding/json"
	"errors"
	"net/http"

	"patchbay/sandbox/simulator"
)

// Copy contains the members of a copy that tests read.
type Copy struct {
	Rule     string
	Decision string // on a message: sent, held, dropped or unrouted
	Channel  string // the channel that the message was sent to
	Envelope struct {
		ID, Conversation, Kind string
		Parts                  []struct{ Text string }
		Attributes             map[string]string
	}
}

// Text returns the text of the first part.
func (c *Copy) Text() string {
	if len(c.Envelope.Parts) == 0 {
		return ""
	}
	return c.Envelope.Parts[0].Text
}

// Observer is a simulated archive that receives copies.
type Observer struct {
	*simulator.Vendor
	token  string
	Copies simulator.Log[Copy] // the accepted copies
}

// NewObserver returns an observer. Calls of it must have the bearer token.
func NewObserver(token string) *Observer {
	return &Observer{token: token, Vendor: simulator.NewVendor(simulator.Retry{}, nil)}
}

// Handler returns the endpoint for copies.
func (o *Observer) Handler() http.Handler {
	return o.Endpoint("copy", func(r *simulator.Request) (any, error) {
		if r.Header.Get("Authorization") != "Bearer "+o.token {
			return nil, simulator.Refused(http.StatusUnauthorized, "Authorization is not the bearer token")
		}
		var c Copy
		if err := json.Unmarshal(r.Body, &c); err != nil {
			return nil, err
		}
		if c.Rule == "" || c.Envelope.ID == "" || c.Envelope.Kind == "" {
			return nil, errors.New("rule, envelope.id and envelope.kind are required")
		}
		o.Copies.Append(c)
		return struct{}{}, nil
	})
}
