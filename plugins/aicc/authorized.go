package main

import (
	"context"
	"net/http"

	"patchbay/sdk"
)

// callAuthorized makes a call with the access token and the user's token. If AICC refuses them (401, 403), it renews
// the user's token and, if necessary, the access token, and repeats the call once. A refused call had no effect.
func (c *channel) callAuthorized(ctx context.Context, op, user string, st *threadState, q request) (*response, error) {
	c.polledUsers.loadToken(user, st)
	a, access, err := c.callAuthorizedOnce(ctx, op, user, st, q)
	if access == "" || err == nil || sdk.KindOf(err) != sdk.KindUnauthorized {
		return a, err
	}
	c.tokens.invalidate(access, asTyped(err).Status == http.StatusForbidden)
	st.Token = ""
	a, _, err = c.callAuthorizedOnce(ctx, op, user, st, q)
	return a, err
}

// callAuthorizedOnce makes the call once. It returns the access token that it used, or "".
func (c *channel) callAuthorizedOnce(
	ctx context.Context, op, user string, st *threadState, q request,
) (*response, string, error) {
	access, err := c.tokens.get(ctx)
	if err != nil {
		return nil, "", err
	}
	if st.Token == "" || !c.now().Before(st.RenewAt) {
		token, err := c.applyToken(ctx, access, user, st.UserName)
		if err != nil {
			if sdk.KindOf(err) == sdk.KindUnauthorized { // applyToken needs only the access token
				c.tokens.invalidate(access, true)
			}
			return nil, access, err
		}
		c.storeToken(user, st, token)
	}
	q.header = c.header(access)
	q.header.Set(tokenHeader, st.Token)
	q.secrets = append([]string{access, st.Token}, q.secrets...)
	q.allowResult500 = true
	a, err := c.do(ctx, op, q)
	if err != nil {
		return nil, access, err
	}
	if token := unquoteToken(a.header.Get(tokenHeader)); token != "" {
		c.storeToken(user, st, token)
	}
	return a, access, nil
}

// storeToken stores a user's new token and its renewal time.
func (c *channel) storeToken(user string, st *threadState, token string) {
	st.Token, st.RenewAt = token, c.now().Add(userTokenLife).UTC()
	c.polledUsers.storeToken(user, *st)
}

// redact sets the result's text and code for errors.
func (c *channel) redact(r *result, st *threadState, secrets ...string) {
	secrets = append(secrets, st.Token, c.tokens.newest(), c.settings.AppSecret.Reveal())
	r.shown, r.shownCode = redactText(string(r.ResultDesc), secrets...), redactCode(r.code(), secrets...)
}
