package e2e

import (
	"encoding/json"
	"errors"
	"net/http"

	"patchbay/sandbox/simulator"
)

// copied is the part of a copy of a message or event that tests read.
type copied struct {
	Rule     string
	Decision string // about a message: sent, held, dropped or unrouted
	Channel  string // that the message was sent to
	Envelope struct {
		ID, Conversation, Kind string
		Parts                  []struct{ Text string }
		Attributes             map[string]string
	}
}

// text returns the text of the first part.
func (c *copied) text() string {
	if len(c.Envelope.Parts) == 0 {
		return ""
	}
	return c.Envelope.Parts[0].Text
}

// observer is a simulated archive that gets copies. Calls must have the bearer token.
type observer struct {
	*simulator.Vendor
	token  string
	copies simulator.Log[copied] // the accepted ones
}

func newObserver(token string) *observer {
	return &observer{token: token, Vendor: simulator.NewVendor(simulator.Retry{}, nil)}
}

func (o *observer) handler() http.Handler {
	return o.Endpoint("copy", func(r *simulator.Request) (any, error) {
		if r.Header.Get("Authorization") != "Bearer "+o.token {
			return nil, simulator.Refused(http.StatusUnauthorized, "Authorization is not the token")
		}
		var c copied
		if err := json.Unmarshal(r.Body, &c); err != nil {
			return nil, err
		}
		if c.Rule == "" || c.Envelope.ID == "" || c.Envelope.Kind == "" {
			return nil, errors.New("rule, envelope.id and envelope.kind are required")
		}
		o.copies.Append(c)
		return struct{}{}, nil
	})
}
