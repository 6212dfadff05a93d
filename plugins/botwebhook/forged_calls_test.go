package main

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func authorization(values ...string) http.Header { return http.Header{"Authorization": values} }

// forgery is a call without valid credentials.
type forgery struct {
	name   string
	header http.Header
}

// forgeries lists the calls that are refused with each scheme.
var forgeries = []forgery{
	{"no header", http.Header{}},
	{"empty", authorization("")},
	{"scheme alone", authorization("Bearer")},
	{"scheme and space", authorization("Bearer ")},
	{"token without a scheme", authorization(testToken)},
	{"other scheme", authorization("Token " + testToken)},
	{"digest", authorization(`Digest username="` + testToken + `"`)},
	{"scheme in lower case, wrong token", authorization("bearer " + testKey)},
	{"scheme in upper case, wrong token", authorization("BEARER " + testKey)},
	{"basic in lower case, wrong token", authorization("basic " + testKey)},
	{"scheme twice", authorization("Bearer Bearer " + testToken)},
	{"both schemes", authorization("Bearer Basic " + testToken)},
	{"two spaces in the token", authorization("Bearer " + testToken[:2] + "  " + testToken[2:])},
	{"tab", authorization("Bearer\t" + testToken)},
	{"leading tab", authorization("\tBearer " + testToken)},
	{"trailing tab", authorization("Bearer " + testToken + "\t")},
	{"trailing newline", authorization("Bearer " + testToken + "\n")},
	{"prefix of the token", authorization("Bearer " + testToken[:len(testToken)-1])},
	{"token without its first letter", authorization("Bearer " + testToken[1:])},
	{"token twice", authorization("Bearer " + testToken + testToken)},
	{"token with a suffix", authorization("Bearer " + testToken + "x")},
	{"token and a comma", authorization("Bearer " + testToken + ", Bearer x")},
	{"token and a NUL", authorization("Bearer " + testToken + "\x00")},
	{"token in upper case", authorization("Bearer " + strings.ToUpper(testToken))},
	{"token in quotes", authorization(`Bearer "` + testToken + `"`)},
	{"token with a lookalike", authorization("Bearer " + strings.Replace(testToken, "o", "о", 1))},
	{"API key instead", authorization("Bearer " + testKey)},
	{"API key as basic", authorization("Basic " + testKey)},
	{"null", authorization("Bearer null")},
	{"undefined", authorization("Bearer undefined")},
	{"star", authorization("Bearer *")},
	{"redacted", authorization("Bearer [redacted]")},
	{"header twice, the valid one first", authorization("Bearer "+testToken, "Bearer wrong")},
	{"header twice, the valid one last", authorization("Bearer wrong", "Bearer "+testToken)},
	{"header twice, both valid", authorization("Bearer "+testToken, "Bearer "+testToken)},
	{"header twice, one of each scheme", authorization("Bearer "+testToken, "Basic "+testToken)},
	{"bearer with base64", authorization("Bearer " + base64.StdEncoding.EncodeToString([]byte("x:"+testToken)))},
	{"bearer with a pair", authorization("Bearer x:" + testToken)},
	{"basic, wrong literal", authorization("Basic wrong")},
	{"basic, empty", authorization("Basic ")},
	{"basic, tab", authorization("Basic \t" + testToken)},
	{"basic, wrong password", authorization(basic("user:wrong"))},
	{"basic, empty password", authorization(basic("user:"))},
	{"basic, only a colon", authorization(basic(":"))},
	{"basic, token as user", authorization(basic(testToken + ":"))},
	{"basic, no colon", authorization(basic(testToken))},
	{"basic, colon in front of the password", authorization(basic("user::" + testToken))},
	{"basic, password with a suffix", authorization(basic("user:" + testToken + "x"))},
	{"basic, password and a NUL", authorization(basic("user:" + testToken + "\x00"))},
	{"basic, without padding", authorization(strings.TrimRight(basic("ab:"+testToken), "="))},
	{"basic, URL alphabet", authorization("Basic " + base64.URLEncoding.EncodeToString([]byte("\xff\xfe>:"+testToken)))},
	{"basic, encoded twice", authorization(basic(basic("user:" + testToken)))},
	{"basic, newline inside", authorization(strings.Replace(basic("user:"+testToken), "c ", "c \n", 1))},
	{"token in another header", http.Header{"X-Authorization": {"Bearer " + testToken},
		"Proxy-Authorization": {"Bearer " + testToken}}},
	{"token as an API key header", http.Header{"X-Api-Key": {testToken}, "Token": {testToken}}},
	{"token as a cookie", http.Header{"Cookie": {"Authorization=Bearer " + testToken}}},
}

// forgeriesOf lists the calls that are accepted only with the other scheme, by scheme.
var forgeriesOf = map[string][]forgery{
	authBearer: {
		{"basic with the literal token", authorization("Basic " + testToken)},
		{"basic with a user", authorization(basic("user:" + testToken))},
		{"basic without a user", authorization(basic(":" + testToken))},
	},
	authBasic: {
		{"bearer", authorization("Bearer " + testToken)},
		{"bearer with base64", authorization("Bearer " + base64.StdEncoding.EncodeToString([]byte(testToken)))},
	},
}

// Forged calls are refused in both roles, with each scheme and with each body, including test calls.
func TestForgedCallsAreRefused(t *testing.T) {
	settings := botJSON("https://api-sg.gptbots.ai")
	targets := map[envelope.Role][]string{
		envelope.RoleBot:      {""},
		envelope.RoleCustomer: {establishPath, chatPath, closePath},
	}
	bodies := []string{goodV1, goodChat, `not JSON`, `{"istest":true}`, `{"Authorization":"Bearer hook-token"}`}
	cases := 0
	for role, calls := range targets {
		for _, scheme := range []string{"", authBearer, authBasic} {
			all := append(append([]forgery{}, forgeries...), forgeriesOf[scheme]...)
			configured := settings
			if scheme != "" {
				configured = extend(settings, `"auth":"`+scheme+`"`)
			}
			a := inRole(t, role, configured, nil)
			for _, b := range all {
				cases++
				t.Run(string(role)+"/"+cmp.Or(scheme, "any")+"/"+b.name, func(t *testing.T) {
					for _, call := range calls {
						for _, body := range bodies {
							checkForgery(t, a, handoffRequest(call, body), b.header)
						}
					}
				})
			}
		}
	}
	if cases < 300 {
		t.Errorf("too few cases: %d", cases)
	}
}

func checkForgery(t *testing.T, a *adapter, req *sdk.Request, header http.Header) {
	t.Helper()
	req.Header = header
	req.Query = "token=" + testToken + "&Authorization=Bearer%20" + testToken
	got, err := a.Receive(t.Context(), req)
	checkRefusal(t, got, err, sdk.KindUnauthorized, "Authorization")
}

// A scheme without a token accepts no caller. Configure refuses it too.
func TestSchemeWithoutTokenAcceptsNoCaller(t *testing.T) {
	for _, scheme := range []string{authBearer, authBasic} {
		ch := &channel{settings: settings{Auth: scheme}}
		for _, h := range []http.Header{{}, authorization("Bearer "), authorization("Basic "), authorization(basic(":"))} {
			if ch.authenticate(h) {
				t.Errorf("%s without a token accepts %v", scheme, h)
			}
		}
	}
}

func TestAcceptedCredentials(t *testing.T) {
	base := botJSON("https://api-sg.gptbots.ai")
	pairToken := strings.Replace(base, testToken, "alice:pw", 1)
	noToken := strings.Replace(base, `"`+testToken+`"`, `""`, 1)
	tests := []struct {
		name, settings string
		header         http.Header
	}{
		{"bearer", base, authorization("Bearer " + testToken)},
		{"bearer in lower case", base, authorization("bearer " + testToken)},
		{"bearer in upper case, required", extend(base, `"auth":"bearer"`), authorization("BEARER " + testToken)},
		{"basic in lower case", base, authorization("basic " + testToken)},
		{"basic in upper case with a user", base, authorization("BASIC" + strings.TrimPrefix(basic("gptbots:"+testToken), "Basic"))},
		{"spaces around the token", base, authorization(" Bearer   " + testToken + " ")},
		{"basic, spaces around the token", base, authorization("Basic  " + testToken + " ")},
		{"basic with the literal token", base, authorization("Basic " + testToken)},
		{"basic with a user", base, authorization(basic("gptbots:" + testToken))},
		{"basic without a user", base, authorization(basic(":" + testToken))},
		{"basic, pair configured", pairToken, authorization(basic("alice:pw"))},
		{"bearer, required", extend(base, `"auth":"bearer"`), authorization("Bearer " + testToken)},
		{"basic, required", extend(base, `"auth":"basic"`), authorization("Basic " + testToken)},
		{"basic with a user, required", extend(base, `"auth":"basic"`), authorization(basic("gptbots:" + testToken))},
		{"nothing configured", noToken, http.Header{}},
		{"nothing configured, something sent", noToken, authorization("Bearer x")},
		{"auth none", extend(noToken, `"auth":"none"`), http.Header{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bot := configured(t, tt.settings, nil)
			req := request(goodV1)
			req.Header = tt.header
			if _, err := bot.Receive(t.Context(), req); err != nil {
				t.Error(err)
			}
			handoff := inRole(t, envelope.RoleCustomer, tt.settings, nil)
			req = handoffRequest(chatPath, goodChat)
			req.Header = tt.header
			if _, err := handoff.Receive(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
}
