package main

import (
	"encoding/base64"
	"net/http"
	"strings"

	"patchbay/sdk/webhook"
)

// authenticate reports whether the caller has the channel's token in a permitted scheme. GPTBots sends "Bearer
// {token}" or "Basic {token}" ("Webhook receives messages", Request Headers).
func (ch *channel) authenticate(h http.Header) bool {
	token := ch.WebhookToken.Reveal()
	if token == "" {
		return ch.Auth == "" || ch.Auth == authNone // Configure refuses the other schemes without a token
	}
	switch scheme, given := webhook.Credentials(h); scheme {
	case "bearer":
		return ch.Auth != authBasic && webhook.Equal(given, token)
	case "basic":
		return ch.Auth != authBearer && basicToken(given, token)
	}
	return false
}

// basicToken reports whether the text after "Basic " is the token, either literally or as RFC 7617 credentials. Such
// credentials match if their password is the token, or if the token has the form user:password and equals them.
func basicToken(given, token string) bool {
	if webhook.Equal(given, token) {
		return true
	}
	pair, err := base64.StdEncoding.Strict().DecodeString(given)
	if err != nil || strings.ContainsAny(given, "\r\n") { // the decoder ignores newlines
		return false
	}
	_, password, ok := strings.Cut(string(pair), ":")
	return ok && (webhook.Equal(password, token) || webhook.Equal(string(pair), token))
}
