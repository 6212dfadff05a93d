package main

import (
	"context"
	"encoding/json"

	"patchbay/sdk"
)

// send makes the call that has an effect, with the tokens that it needs, and keeps the customer's newest
// token in st. If AICC refuses a token (401, 403), both are renewed and the call is made once more: what
// was refused for its credentials had no effect.
func (c *channel) send(ctx context.Context, op string, st *threadState, m uplink) (*result, error) {
	r, access, err := c.try(ctx, op, st, m)
	if access == "" || err == nil || sdk.KindOf(err) != sdk.KindUnauthorized {
		return r, err
	}
	c.tokens.drop(access)
	st.Token = ""
	r, _, err = c.try(ctx, op, st, m)
	return r, err
}

// try makes the call once. It returns the access token that it used, "" if it had none.
func (c *channel) try(ctx context.Context, op string, st *threadState, m uplink) (*result, string, error) {
	access, err := c.tokens.get(ctx)
	if err != nil {
		return nil, "", err
	}
	if st.Token == "" || !c.now().Before(st.RenewAt) {
		token, err := c.applyToken(ctx, access, m.From, st.UserName)
		if err != nil {
			return nil, access, err
		}
		c.keep(st, token)
	}
	h := c.header(access)
	h.Set("ccmessaging-token", st.Token)
	a, err := c.post(ctx, op, c.settings.BaseURL+"/apiaccess/ccmessaging/send", h, m, access, st.Token, m.Content)
	if err != nil {
		return nil, access, err
	}
	if token := bareToken(a.header.Get("ccmessaging-token")); token != "" {
		c.keep(st, token)
	}
	var r result
	if err := json.Unmarshal(a.body, &r); err != nil || r.ResultCode == "" {
		return nil, access, &sdk.Error{Kind: sdk.KindUnknown, Op: op, Text: "the answer has no resultCode"}
	}
	r.shown = vendorText(r.ResultDesc, access, st.Token, m.Content, c.settings.AppSecret.Reveal())
	return &r, access, nil
}

// keep notes a new user token and when it is to be replaced.
func (c *channel) keep(st *threadState, token string) {
	st.Token, st.RenewAt = token, c.now().Add(userTokenLife).UTC()
}
