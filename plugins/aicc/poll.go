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
	opPoll        = "poll"
	pollTimeout   = 10 * time.Second // of one poll
	maxPollAnswer = 4 << 20          // bytes of one answer
)

// poll asks AICC for a user's messages.
func (c *channel) poll(ctx context.Context, user string) ([]*envelope.Envelope, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	st := c.sessions.state(user)
	query := url.Values{"receiverId": {user}, "channel": {channelWeb}, "isNeedRead": {"true"}} // else READ is left out
	a, err := c.authorized(ctx, opPoll, user, &st, request{
		url: c.settings.BaseURL + apiPath + "poll?" + query.Encode(), limit: maxPollAnswer,
	})
	if err != nil {
		return nil, harmless(err)
	}
	return c.readPoll(user, &st, a.body)
}

// readPoll translates an answer of poll. Messages count also beside a result code that is none of success. A refusal
// concerns this user alone (KindGone).
func (c *channel) readPoll(user string, st *threadState, body []byte) ([]*envelope.Envelope, error) {
	var r pollReply
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: opPoll, Text: "the answer is not JSON with a list of messages"}
	}
	c.show(&r.result, st)
	items := r.list()
	if len(items) == 0 && r.code() != codeDone {
		return nil, refused(opPoll, &r.result, sdk.KindGone, "")
	}
	b := batch{channels: []*channel{c}, seen: map[string]int{}, receiver: user}
	var out []*envelope.Envelope
	for _, raw := range items {
		out = append(out, b.translate(raw)...)
	}
	return out, nil
}
