package main

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	opPoll          = "poll messages"
	pollTimeout     = 10 * time.Second // for one poll
	maxPollResponse = 4 << 20          // in bytes
)

// poll requests a user's messages. Without isNeedRead AICC omits READ.
func (c *channel) poll(ctx context.Context, user string) ([]*envelope.Envelope, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	st := c.polledUsers.state(user)
	query := url.Values{"receiverId": {user}, "channel": {channelWeb}, "isNeedRead": {"true"}}
	a, err := c.callAuthorized(ctx, opPoll, user, &st, request{
		url: c.settings.BaseURL + apiPath + "poll?" + query.Encode(), limit: maxPollResponse,
	})
	if err != nil {
		return nil, asTransient(err)
	}
	return c.readPoll(user, &st, a.body)
}

// readPoll translates a response of poll. Messages in a response with a failure code are accepted. A refusal concerns
// only this user (KindGone).
func (c *channel) readPoll(user string, st *threadState, body []byte) ([]*envelope.Envelope, error) {
	var r pollResponse
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opPoll, Text: "the response is not a JSON object"}
	}
	c.redact(&r.result, st)
	items := r.list()
	if r.code() == "" && len(r.Messages) == 0 {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opPoll, Text: "the response has no resultCode"}
	}
	if len(items) == 0 && r.code() != codeDone {
		return nil, refusalError(opPoll, &r.result, sdk.KindGone, "")
	}
	b := batch{channels: []*channel{c}, counts: map[string]int{}, user: user}
	var out []*envelope.Envelope
	for _, raw := range items {
		out = append(out, b.translate(raw)...)
	}
	return out, nil
}
