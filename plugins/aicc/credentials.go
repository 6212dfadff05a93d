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

// assumedLife is that of an access token if the answer does not say.
const assumedLife = 10 * time.Minute

// userTokenLife is how long a user's token is used; the vendor's lives an hour.
const userTokenLife = 50 * time.Minute

// tokenHeader carries a user's token, in calls and, when AICC has a new one, in answers.
const tokenHeader = "ccmessaging-token"

// fetchToken asks for an access token (tokenByAkSk). It has no effect that counts, so that every
// failure of the network is transient.
func (c *channel) fetchToken(ctx context.Context) (string, time.Duration, error) {
	const op = "get access token"
	asked := c.settings.TokenLife
	h := http.Header{}
	h.Set("X-Token-Expire", strconv.Itoa(int(asked/time.Second)))
	secret := c.settings.AppSecret.Reveal()
	a, err := c.do(ctx, op, request{
		url: c.settings.TokenURL, header: h, hide: []string{secret},
		body: accessRequest{AppKey: c.settings.AppKey, AppSecret: secret},
	})
	if err != nil {
		return "", 0, harmless(err)
	}
	var r accessReply
	if err := json.Unmarshal(a.body, &r); err != nil || r.AccessToken == "" {
		return "", 0, &sdk.Error{Kind: sdk.KindUnauthorized, Op: op,
			Text: "the answer has no AccessToken; check token_url, app_key and app_secret"}
	}
	life := assumedLife
	if n, err := strconv.Atoi(string(r.Expires)); err == nil && n > 0 {
		life = time.Duration(min(n, int(maxTokenLife/time.Second))) * time.Second
	}
	c.host.Logger.Debug("access token renewed", "life", life)
	return string(r.AccessToken), min(life, asked), nil
}

// applyToken asks for a user's token.
func (c *channel) applyToken(ctx context.Context, access, user, name string) (string, error) {
	const op = "apply for user token"
	a, err := c.do(ctx, op, request{
		url: c.settings.BaseURL + apiPath + "applyToken", header: c.header(access), hide: []string{access},
		body: userRequest{UserID: user, UserName: name, ChannelID: c.settings.ChannelID, Locale: c.settings.Locale},
	})
	if err != nil {
		return "", harmless(err)
	}
	var r userReply
	if err := json.Unmarshal(a.body, &r); err != nil {
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "the answer is not JSON"}
	}
	token := bareToken(string(r.Token))
	if code := r.code(); code != codeDone && code != "" || token == "" { // an older sample has the token alone
		c.show(&r.result, &threadState{Token: token}, access)
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: op, Code: r.shownCode,
			Text: strings.TrimSpace("refused; check channel_id. " + r.shown)}
	}
	return token, nil
}

// header returns what every call but tokenByAkSk carries.
func (c *channel) header(access string) http.Header {
	h := http.Header{}
	h.Set("X-App-Key", c.settings.AppKey)
	h.Set("Authorization", "Bearer "+access)
	return h
}

// bareToken strips the quotes that some deployments put around a token.
func bareToken(s string) string { return strings.Trim(strings.TrimSpace(s), `"`) }
