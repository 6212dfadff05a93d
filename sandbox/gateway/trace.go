package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Entry is one step of a trail, from the API for operators. Fields that do not apply are empty.
type Entry struct {
	At       time.Time `json:"at"`
	Seq      uint64    `json:"seq"` // number of the record; all steps of a record have the same time
	Step     string    `json:"step"`
	Channel  string    `json:"channel"`
	Envelope string    `json:"envelope"`
	VendorID string    `json:"vendor_id"`
	Kind     string    `json:"kind"`
	Role     string    `json:"role"`
	Delivery string    `json:"delivery"`
	Rule     string    `json:"rule"`
	Detail   string    `json:"detail"`
	Text     string    `json:"text"`
}

// PendingDelivery is a delivery without a final outcome, or a held message.
type PendingDelivery struct {
	Delivery string `json:"delivery"`
	Channel  string `json:"channel"`
	Kind     string `json:"kind"`
	Status   string `json:"status"`
	Attempts int    `json:"attempts"`
	Reason   string `json:"reason"`
}

// Trail is the trail of one conversation. State is empty if the gateway's state no longer contains the conversation.
type Trail struct {
	ID      string  `json:"id"`
	Live    bool    `json:"live"`
	Entries []Entry `json:"entries"`
	State   struct {
		Channel  string `json:"channel"`
		Customer string `json:"customer"`
		Owner    string `json:"owner"`
		Epoch    uint64 `json:"epoch"`
		Offer    string `json:"offer"`
	} `json:"state"`
	Pending []PendingDelivery `json:"pending"`
}

// Find returns the entries of the trail with this step, in order.
func (tr *Trail) Find(step string) []Entry {
	return slices.DeleteFunc(slices.Clone(tr.Entries), func(e Entry) bool { return e.Step != step })
}

// Trace returns the trails for a query of GET /api/trace, none if no id is known. admin is the address of the admin
// listener.
func Trace(ctx context.Context, admin string, query url.Values) ([]Trail, error) {
	status, body, err := Get(ctx, "http://"+admin+"/api/trace?"+query.Encode())
	if err != nil || status == http.StatusNotFound {
		return nil, err
	}
	var response struct{ Conversations []Trail }
	if status != http.StatusOK {
		return nil, fmt.Errorf("trace of %q: status %d: %s", query["id"], status, body)
	}
	if err := json.Unmarshal(body, &response); err != nil {
		return nil, fmt.Errorf("trace of %q: %w", query["id"], err)
	}
	return response.Conversations, nil
}
