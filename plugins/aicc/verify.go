package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/webhook"
)

// verified returns the channels on the request's path whose credentials the request carries, in the
// request's order. None gives a typed unauthorized error that says why, channel by channel.
func (a *adapter) verified(req *sdk.Request) ([]*channel, error) {
	var out []*channel
	var reasons []string
	var missing error
	now := a.now()
	for _, name := range req.Channels {
		c, err := a.channel(name)
		if err != nil {
			missing = err
			continue
		}
		if err := c.settings.Verify.check(req, now); err != nil {
			reasons = append(reasons, "channel "+name+": "+err.Error())
			continue
		}
		out = append(out, c)
	}
	switch {
	case len(out) > 0:
		return out, nil
	case len(reasons) == 0 && missing != nil:
		return nil, refuse(&sdk.Error{Kind: sdk.KindTransient, Op: "verify push", Err: missing},
			http.StatusServiceUnavailable, "not ready")
	}
	return nil, refuse(&sdk.Error{
		Kind: sdk.KindUnauthorized, Op: "verify push", Text: strings.Join(reasons, "; "),
	}, http.StatusUnauthorized, "unauthorized")
}

// check tells whether a request proves that it comes from the account that v describes.
func (v *Verify) check(req *sdk.Request, now time.Time) error {
	switch v.Mode {
	case modeSignature:
		return checkSignature(v, req, now)
	case modeBearer:
		return checkBearer(v.Token, req)
	}
	return fmt.Errorf("verify.mode %q is unknown", v.Mode)
}

// checkBearer tells whether a request carries the shared token, once.
func checkBearer(want sdk.Secret, req *sdk.Request) error {
	token := webhook.BearerToken(req.Header)
	if token == "" {
		return errors.New("header Authorization is not one bearer token")
	}
	if !webhook.Equal(token, want.Reveal()) {
		return errors.New("bearer token is not the configured one")
	}
	return nil
}
