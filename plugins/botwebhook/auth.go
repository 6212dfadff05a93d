package main

import (
	"encoding/base64"
	"net/http"
	"strings"

	"patchbay/sdk/webhook"
)

// authentic reports whether the caller has the channel's token in the scheme that the channel asks for, or nothing is
// asked for. The vendor sends "Bearer {token}" or "Basic {token}" ("Webhook receives messages", Request Headers), with
// exactly this spelling, and the header once.
func (ch *channel) authentic(h http.Header) bool {
	token := ch.WebhookToken.Reveal()
	if token == "" {
		return ch.Auth == "" || ch.Auth == authNone // the others are refused by Configure; they never open the door
	}
	values := h.Values("Authorization")
	if len(values) != 1 {
		return false
	}
	if given, ok := strings.CutPrefix(values[0], "Bearer "); ok {
		return ch.Auth != authBasic && webhook.Equal(given, token)
	}
	given, ok := strings.CutPrefix(values[0], "Basic ")
	return ok && ch.Auth != authBearer && basicToken(given, token)
}

// basicToken reports whether what follows "Basic " is the token: as it is, or as RFC 7617 credentials of a developer who
// set up those. They are accepted with any user, and whole if the configured token has the form user:password.
func basicToken(given, token string) bool {
	if webhook.Equal(given, token) {
		return true
	}
	pair, err := base64.StdEncoding.Strict().DecodeString(given)
	if err != nil || strings.ContainsAny(given, "\r\n") { // which the decoder skips
		return false
	}
	_, password, ok := strings.Cut(string(pair), ":")
	return ok && (webhook.Equal(password, token) || webhook.Equal(string(pair), token))
}
