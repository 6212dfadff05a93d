// Package recorded reads past runs of the rules, with their facts, from the records of the log. Other rules can then
// be evaluated with the same facts.
package recorded

import (
	"maps"
	"slices"
	"time"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// Decision is one run of the rules for one event.
type Decision struct {
	Seq          uint64    `json:"seq"`
	At           time.Time `json:"at"`
	Revision     uint64    `json:"revision"` // of the configuration
	Conversation string    `json:"conversation"`
	Message      string    `json:"message,omitempty"` // id of the envelope that caused the event
	Facts        Facts     `json:"facts"`
	Rules        []string  `json:"rules"` // that matched
	Errors       []string  `json:"errors,omitempty"`
}

// Facts is the JSON form of route.Facts.
type Facts struct {
	Event      string            `json:"event"`
	After      string            `json:"after,omitempty"` // a duration; of idle and unanswered
	Channel    string            `json:"channel"`
	Role       string            `json:"role"`
	Text       string            `json:"text,omitempty"`
	Parts      []string          `json:"parts,omitempty"`
	SenderID   string            `json:"sender_id,omitempty"`
	SenderName string            `json:"sender_name,omitempty"`
	Owner      string            `json:"owner"`
	OwnerRole  string            `json:"owner_role"`
	Home       string            `json:"home"`
	Pending    string            `json:"pending,omitempty"`
	Customer   string            `json:"customer"`
	CustomerID string            `json:"customer_id,omitempty"`
	Handovers  int64             `json:"handovers,omitempty"`
	Age        string            `json:"age,omitempty"`     // a duration, such as 1m30s
	Silence    string            `json:"silence,omitempty"` // a duration
	Reason     string            `json:"reason,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Now        time.Time         `json:"now"`
	Closed     []string          `json:"closed,omitempty"` // channels for which open() is false; all others are open
	Done       []string          `json:"done,omitempty"`   // rules that matched before within the same input
}

func factsOf(f *route.Facts, closed, done []string) Facts {
	return Facts{
		Event: string(f.Event), After: durationText(f.After), Channel: f.Channel, Role: string(f.Role), Text: f.Text,
		Parts: f.Parts, SenderID: f.SenderID, SenderName: f.SenderName, Owner: f.Owner, OwnerRole: string(f.OwnerRole),
		Home: f.Home, Pending: f.Pending, Customer: f.Customer, CustomerID: f.CustomerID, Handovers: f.Handovers,
		Age: durationText(f.Age), Silence: durationText(f.Silence), Reason: f.Reason,
		Attributes: maps.Clone(f.Attributes), Now: f.Now, Closed: closed, Done: done,
	}
}

// durationText returns a duration as text, "" for 0.
func durationText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// RouteFacts returns the facts for a table of rules. A duration that cannot be parsed is 0.
func (f *Facts) RouteFacts(t *route.Table) *route.Facts {
	after, _ := time.ParseDuration(f.After)
	age, _ := time.ParseDuration(f.Age)
	silence, _ := time.ParseDuration(f.Silence)
	return &route.Facts{
		Event: route.Event(f.Event), After: after, Channel: f.Channel, Role: envelope.Role(f.Role), Text: f.Text,
		Parts: f.Parts, SenderID: f.SenderID, SenderName: f.SenderName, Owner: f.Owner, OwnerRole: envelope.Role(f.OwnerRole),
		Home: f.Home, Pending: f.Pending, Customer: f.Customer, CustomerID: f.CustomerID, Handovers: f.Handovers,
		Age: age, Silence: silence, Reason: f.Reason, Attributes: f.Attributes, Now: f.Now,
		Open: func(channel string) bool { return !slices.Contains(f.Closed, channel) }, Done: t.Indexes(f.Done),
	}
}

// Decide returns the names of the rules of a table that match.
func (f *Facts) Decide(t *route.Table) []string {
	out := []string{}
	for _, s := range t.Decide(f.RouteFacts(t)).Steps {
		out = append(out, s.Rule.Name)
	}
	return out
}
