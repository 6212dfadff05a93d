package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"patchbay/sdk"
)

// defaultTokenLife is the assumed life of an access token if the response has no valid Expires.
const defaultTokenLife = 10 * time.Minute

// userTokenLife is the time after which a user's token is renewed. AICC accepts a token for one hour (applyToken).
const userTokenLife = 50 * time.Minute

// tokenHeader carries a user's token in requests, and a new one in some responses (applyToken).
const tokenHeader = "ccmessaging-token"

// fetchToken requests an access token (tokenByAkSk). Repeating it is harmless, so all network errors are transient.
func (c *channel) fetchToken(ctx context.Context) (string, time.Duration, error) {
	const op = "get access token"
	requested := c.settings.TokenLife
	h := http.Header{}
	h.Set("X-Token-Expire", strconv.Itoa(int(requested/time.Second)))
	secret := c.settings.AppSecret.Reveal()
	a, err := c.do(ctx, op, request{
		url: c.settings.TokenURL, header: h, secrets: []string{secret},
		body: accessRequest{AppKey: c.settings.AppKey, AppSecret: secret},
	})
	if err != nil {
		return "", 0, asTransient(err)
	}
	var r accessResponse
	if err := json.Unmarshal(a.body, &r); err != nil {
		return "", 0, &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "the response is not JSON; check token_url"}
	}
	if r.AccessToken == "" {
		return "", 0, &sdk.Error{Kind: sdk.KindUnauthorized, Op: op,
			Text: "the response has no AccessToken; check token_url, app_key and app_secret"}
	}
	life := defaultTokenLife
	if n, err := strconv.Atoi(string(r.Expires)); err == nil && n > 0 {
		life = time.Duration(min(n, int(maxTokenLife/time.Second))) * time.Second
	}
	c.host.Logger.Debug("access token renewed", "life", life)
	return string(r.AccessToken), min(life, requested), nil
}

// applyToken requests a user's token.
func (c *channel) applyToken(ctx context.Context, access, user, name string) (string, error) {
	const op = "get user token"
	a, err := c.do(ctx, op, request{
		url: c.settings.BaseURL + apiPath + "applyToken", header: c.header(access), secrets: []string{access},
		body: userRequest{UserID: user, UserName: name, ChannelID: c.settings.ChannelID, Locale: c.settings.Locale},
	})
	if err != nil {
		return "", asTransient(err)
	}
	var r userResponse
	if err := json.Unmarshal(a.body, &r); err != nil {
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "the response is not JSON"}
	}
	token, code := unquoteToken(string(r.Token)), r.code()
	if token != "" && (code == codeDone || code == "") { // an older sample has no resultCode
		return token, nil
	}
	c.redact(&r.result, &threadState{Token: token}, access)
	e := &sdk.Error{Kind: sdk.KindTransient, Op: op, Code: r.shownCode,
		Text: strings.TrimSpace("refused; check channel_id: " + r.shown)}
	if code != codeDone && code != "" {
		e.Status = http.StatusOK
	}
	return "", e
}

// header returns the header of all calls except tokenByAkSk.
func (c *channel) header(access string) http.Header {
	h := http.Header{}
	h.Set("X-App-Key", c.settings.AppKey)
	h.Set("Authorization", "Bearer "+access)
	return h
}

// unquoteToken removes the quotes that an older sample has around a token.
func unquoteToken(s string) string { return strings.Trim(strings.TrimSpace(s), `"`) }
