package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/webhook"
)

// authenticate returns the channels whose credentials the request carries, in the order of req.Channels. If there are
// none, it returns an unauthorized error with the reason for each channel.
func (a *adapter) authenticate(req *sdk.Request) ([]*channel, error) {
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
		previous, err := c.settings.Verify.check(req, now)
		if err != nil {
			reasons = append(reasons, "channel "+name+": "+err.Error())
			continue
		}
		if previous {
			c.metrics.previous.WithLabelValues(name).Inc()
		}
		out = append(out, c)
	}
	switch {
	case len(out) > 0:
		return out, nil
	case len(reasons) == 0 && missing != nil:
		return nil, &sdk.Error{Kind: sdk.KindTransient, Op: "verify push", Err: missing}
	}
	return nil, &sdk.Error{Kind: sdk.KindUnauthorized, Op: "verify push", Text: strings.Join(reasons, "; ")}
}

// check authenticates a request according to the settings in v. previous reports whether the request used the previous
// credential.
func (v *Verify) check(req *sdk.Request, now time.Time) (previous bool, err error) {
	switch v.Mode {
	case modeSignature:
		return checkSignature(v, req, now)
	case modeBearer:
		return checkBearer(v, req)
	}
	return false, fmt.Errorf("unknown verify.mode %q", v.Mode)
}

// checkBearer authenticates a request by its only bearer token. It always compares both configured tokens, in constant
// time.
func checkBearer(v *Verify, req *sdk.Request) (previous bool, err error) {
	token := webhook.BearerToken(req.Header)
	if token == "" {
		return false, errors.New("there is not exactly one Authorization header with a bearer token")
	}
	current := webhook.Equal(token, v.Token.Reveal())
	previous = webhook.Equal(token, v.PreviousToken.Reveal())
	if !current && !previous {
		return false, errors.New("the bearer token is not the configured one")
	}
	return !current, nil
}
