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
		former, err := c.settings.Verify.check(req, now)
		if err != nil {
			reasons = append(reasons, "channel "+name+": "+err.Error())
			continue
		}
		if former {
			c.metrics.former.WithLabelValues(name).Inc()
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

// check tells whether a request proves that it comes from the account that v describes, and whether it does so by a
// former credential.
func (v *Verify) check(req *sdk.Request, now time.Time) (former bool, err error) {
	switch v.Mode {
	case modeSignature:
		return checkSignature(v, req, now)
	case modeBearer:
		return checkBearer(v, req)
	}
	return false, fmt.Errorf("verify.mode %q is unknown", v.Mode)
}

// checkBearer tells whether a request carries one of the shared tokens, once. Both are compared in any case.
func checkBearer(v *Verify, req *sdk.Request) (former bool, err error) {
	token := webhook.BearerToken(req.Header)
	if token == "" {
		return false, errors.New("header Authorization is not one bearer token")
	}
	current := webhook.Equal(token, v.Token.Reveal())
	former = webhook.Equal(token, v.FormerToken.Reveal())
	if !current && !former {
		return false, errors.New("bearer token is not the configured one")
	}
	return !current, nil
}
