package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"patchbay/sdk"
)

// maxAnswer is the most bytes that are read of an answer. Real ones have a few hundred.
const maxAnswer = 64 << 10

// maxVendorText is the most bytes of the vendor's own words that an error repeats.
const maxVendorText = 160

// The life of an access token, in seconds: what is asked for (the most that the vendor gives), and what is
// assumed if the answer does not say.
const (
	askedLife   = 3600
	assumedLife = 600
)

// userTokenLife is how long a user's token is used; the vendor's lives an hour.
const userTokenLife = 50 * time.Minute

// answer is the vendor's answer with a status of success.
type answer struct {
	header http.Header
	body   []byte
}

// post makes one call. A status that is no success gives a typed error with the vendor's code and words;
// hide lists what these must not repeat.
func (c *channel) post(
	ctx context.Context, op, url string, header http.Header, body any, hide ...string,
) (*answer, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return nil, &sdk.Error{Kind: sdk.KindInvalid, Op: op, Err: err}
	}
	req.Header = header
	req.Header.Set("Content-Type", jsonType+"; charset=UTF-8")
	resp, err := c.host.HTTP.Do(req)
	if err != nil {
		return nil, sdk.FromTransport(op, err)
	}
	defer resp.Body.Close()
	data, readErr := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if e := sdk.FromStatus(op, resp.StatusCode, resp.Header); e != nil {
		var f fault
		_ = json.Unmarshal(data, &f) // the status alone decides
		e.Code = clip(string(f.ErrorCode+f.ResultCode), 64)
		e.Text = vendorText(f.ExceptionInfo+f.ResultDesc, hide...)
		return nil, e
	}
	if readErr != nil {
		return nil, sdk.FromTransport(op, readErr)
	}
	return &answer{header: resp.Header, body: data}, nil
}

// fetchToken asks for an access token (tokenByAkSk). It has no effect that counts, so that every
// failure of the network is transient.
func (c *channel) fetchToken(ctx context.Context) (string, time.Duration, error) {
	const op = "get access token"
	h := http.Header{}
	h.Set("X-Token-Expire", strconv.Itoa(askedLife))
	secret := c.settings.AppSecret.Reveal()
	ask := accessRequest{AppKey: c.settings.AppKey, AppSecret: secret}
	a, err := c.post(ctx, op, c.settings.TokenURL, h, ask, secret)
	if err != nil {
		return "", 0, harmless(err)
	}
	var r accessReply
	if err := json.Unmarshal(a.body, &r); err != nil || r.AccessToken == "" {
		return "", 0, &sdk.Error{Kind: sdk.KindUnauthorized, Op: op,
			Text: "the answer has no AccessToken; check token_url, app_key and app_secret"}
	}
	life, err := strconv.Atoi(string(r.Expires))
	if err != nil || life <= 0 {
		life = assumedLife
	}
	c.host.Logger.Debug("access token renewed", "seconds", life)
	return r.AccessToken, time.Duration(min(life, askedLife)) * time.Second, nil
}

// applyToken asks for a user's token.
func (c *channel) applyToken(ctx context.Context, access, user, name string) (string, error) {
	const op = "apply for user token"
	a, err := c.post(ctx, op, c.settings.BaseURL+"/apiaccess/ccmessaging/applyToken", c.header(access), userRequest{
		UserID: user, UserName: name, ChannelID: c.settings.ChannelID, Locale: c.settings.Locale,
	}, access)
	if err != nil {
		return "", harmless(err)
	}
	var r result
	if err := json.Unmarshal(a.body, &r); err != nil {
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: op, Text: "the answer is not JSON"}
	}
	token := bareToken(r.Token)
	if r.ResultCode != "0" || token == "" {
		return "", &sdk.Error{Kind: sdk.KindTransient, Op: op, Code: clip(string(r.ResultCode), 64),
			Text: vendorText("refused; check channel_id. "+r.ResultDesc, access, r.Token)}
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

// harmless turns "may have happened" into transient, for calls that may be repeated freely.
func harmless(err error) error {
	if sdk.KindOf(err) == sdk.KindUnknown {
		e := *asTyped(err)
		e.Kind = sdk.KindTransient
		return &e
	}
	return err
}

// vendorText makes the vendor's words fit for an error: one line, short, without what must be hidden. What
// is shorter than four bytes hides nothing: its absence would tell more than its presence.
func vendorText(s string, hide ...string) string {
	for _, h := range hide {
		if len(h) >= 4 {
			s = strings.ReplaceAll(s, h, "[redacted]")
		}
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	return clip(strings.TrimSpace(s), maxVendorText)
}
