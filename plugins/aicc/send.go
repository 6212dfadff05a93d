package main

import (
	"context"
	"encoding/json"
	"net/http"

	"patchbay/sdk"
)

// The calls that carry a message.
const (
	callSend  = "send"
	callAsync = "sendAsync" // for a customer whose session has lapsed
)

// send makes a call that has an effect, and keeps the customer's newest token in st.
func (c *channel) send(ctx context.Context, op, call string, st *threadState, m uplink) (*result, error) {
	a, err := c.authorized(ctx, op, m.From, st, request{
		url: c.settings.BaseURL + apiPath + call, body: m, hide: []string{m.Content},
	})
	if err != nil {
		return nil, err
	}
	var r result
	if err := json.Unmarshal(a.body, &r); err != nil || r.code() == "" {
		return nil, &sdk.Error{Kind: sdk.KindUnknown, Op: op, Text: "the answer has no resultCode"}
	}
	c.show(&r, st, m.Content)
	return &r, nil
}

// authorized makes a call with the tokens that it needs. If AICC refuses one (401, 403), the customer's is renewed, and
// the access token as well if it is the one or not brand-new, and the call is made once more: what was refused for its
// credentials had no effect.
func (c *channel) authorized(ctx context.Context, op, user string, st *threadState, q request) (*answer, error) {
	c.sessions.newest(user, st)
	a, access, err := c.try(ctx, op, user, st, q)
	if access == "" || err == nil || sdk.KindOf(err) != sdk.KindUnauthorized {
		return a, err
	}
	c.tokens.drop(access, asTyped(err).Status == http.StatusForbidden)
	st.Token = ""
	a, _, err = c.try(ctx, op, user, st, q)
	return a, err
}

// try makes the call once. It returns the access token that it used, "" if it had none.
func (c *channel) try(
	ctx context.Context, op, user string, st *threadState, q request,
) (*answer, string, error) {
	access, err := c.tokens.get(ctx)
	if err != nil {
		return nil, "", err
	}
	if st.Token == "" || !c.now().Before(st.RenewAt) {
		token, err := c.applyToken(ctx, access, user, st.UserName)
		if err != nil {
			if sdk.KindOf(err) == sdk.KindUnauthorized { // the call has no other credentials
				c.tokens.drop(access, true)
			}
			return nil, access, err
		}
		c.keep(user, st, token)
	}
	q.header = c.header(access)
	q.header.Set(tokenHeader, st.Token)
	q.hide = append([]string{access, st.Token}, q.hide...)
	q.results = true
	a, err := c.do(ctx, op, q)
	if err != nil {
		return nil, access, err
	}
	if token := bareToken(a.header.Get(tokenHeader)); token != "" {
		c.keep(user, st, token)
	}
	return a, access, nil
}

// keep notes a new user token and when it is to be replaced.
func (c *channel) keep(user string, st *threadState, token string) {
	st.Token, st.RenewAt = token, c.now().Add(userTokenLife).UTC()
	c.sessions.keep(user, *st)
}

// show sets what errors may show of a result.
func (c *channel) show(r *result, st *threadState, hide ...string) {
	hide = append(hide, st.Token, c.tokens.current(), c.settings.AppSecret.Reveal())
	r.shown, r.shownCode = vendorText(string(r.ResultDesc), hide...), vendorCode(r.code(), hide...)
}
