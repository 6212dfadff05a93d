package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"patchbay/sdk"
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

// checkBearer compares digests, so that not even the token's length shows in the time it takes.
func checkBearer(want sdk.Secret, req *sdk.Request) error {
	given := req.Header.Values("Authorization")
	if len(given) != 1 {
		return fmt.Errorf("%d Authorization headers instead of one", len(given))
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return errors.New("header Authorization is not a bearer token")
	}
	if want.IsZero() {
		return errors.New("no token is configured")
	}
	g, w := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(want.Reveal()))
	if !hmac.Equal(g[:], w[:]) {
		return errors.New("bearer token is not the configured one")
	}
	return nil
}
