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

// bypass is a call without the right credentials.
type bypass struct {
	name   string
	header http.Header
}

// bypasses never come in, whatever scheme is asked for.
var bypasses = []bypass{
	{"no header", http.Header{}},
	{"empty", authorization("")},
	{"scheme alone", authorization("Bearer")},
	{"scheme and blank", authorization("Bearer ")},
	{"token alone", authorization(testToken)},
	{"other scheme", authorization("Token " + testToken)},
	{"digest", authorization(`Digest username="` + testToken + `"`)},
	{"scheme in lower case", authorization("bearer " + testToken)},
	{"scheme in upper case", authorization("BEARER " + testToken)},
	{"basic in lower case", authorization("basic " + testToken)},
	{"scheme twice", authorization("Bearer Bearer " + testToken)},
	{"both schemes", authorization("Bearer Basic " + testToken)},
	{"two blanks", authorization("Bearer  " + testToken)},
	{"tab", authorization("Bearer\t" + testToken)},
	{"blank before", authorization(" Bearer " + testToken)},
	{"blank behind", authorization("Bearer " + testToken + " ")},
	{"line end behind", authorization("Bearer " + testToken + "\n")},
	{"prefix of the token", authorization("Bearer " + testToken[:len(testToken)-1])},
	{"token without its first letter", authorization("Bearer " + testToken[1:])},
	{"token twice", authorization("Bearer " + testToken + testToken)},
	{"token and more", authorization("Bearer " + testToken + "x")},
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
	{"header twice, right first", authorization("Bearer "+testToken, "Bearer wrong")},
	{"header twice, right last", authorization("Bearer wrong", "Bearer "+testToken)},
	{"header twice, both right", authorization("Bearer "+testToken, "Bearer "+testToken)},
	{"header twice, one of each scheme", authorization("Bearer "+testToken, "Basic "+testToken)},
	{"bearer with base64", authorization("Bearer " + base64.StdEncoding.EncodeToString([]byte("x:"+testToken)))},
	{"bearer with a pair", authorization("Bearer x:" + testToken)},
	{"basic, wrong literal", authorization("Basic wrong")},
	{"basic, empty", authorization("Basic ")},
	{"basic, two blanks", authorization("Basic  " + testToken)},
	{"basic, wrong password", authorization(basic("user:wrong"))},
	{"basic, empty password", authorization(basic("user:"))},
	{"basic, colon alone", authorization(basic(":"))},
	{"basic, token as user", authorization(basic(testToken + ":"))},
	{"basic, no colon", authorization(basic(testToken))},
	{"basic, colon in front of the password", authorization(basic("user::" + testToken))},
	{"basic, password and more", authorization(basic("user:" + testToken + "x"))},
	{"basic, password and a NUL", authorization(basic("user:" + testToken + "\x00"))},
	{"basic, without padding", authorization(strings.TrimRight(basic("ab:"+testToken), "="))},
	{"basic, URL alphabet", authorization("Basic " + base64.URLEncoding.EncodeToString([]byte("\xff\xfe>:"+testToken)))},
	{"basic, encoded twice", authorization(basic(basic("user:" + testToken)))},
	{"basic, line end within", authorization(strings.Replace(basic("user:"+testToken), "c ", "c \n", 1))},
	{"token in another header", http.Header{"X-Authorization": {"Bearer " + testToken},
		"Proxy-Authorization": {"Bearer " + testToken}}},
	{"token as an API key header", http.Header{"X-Api-Key": {testToken}, "Token": {testToken}}},
	{"token as a cookie", http.Header{"Cookie": {"Authorization=Bearer " + testToken}}},
}

// bypassesOf come in with the other scheme only.
var bypassesOf = map[string][]bypass{
	authBearer: {
		{"basic with the token as it is", authorization("Basic " + testToken)},
		{"basic with a user", authorization(basic("user:" + testToken))},
		{"basic without a user", authorization(basic(":" + testToken))},
	},
	authBasic: {
		{"bearer", authorization("Bearer " + testToken)},
		{"bearer with base64", authorization("Bearer " + base64.StdEncoding.EncodeToString([]byte(testToken)))},
	},
}

// TestBypass refuses all of them: for both roles, for every scheme, and whatever the body says, test calls included.
func TestBypass(t *testing.T) {
	settings := agent("https://api-sg.gptbots.ai")
	targets := map[envelope.Role][]string{
		envelope.RoleBot:      {""},
		envelope.RoleCustomer: {establishCall, chatCall, closeCall},
	}
	bodies := []string{goodV1, goodChat, `not JSON`, `{"istest":true}`, `{"Authorization":"Bearer hook-token"}`}
	cases := 0
	for role, calls := range targets {
		for _, scheme := range []string{"", authBearer, authBasic} {
			all := append(append([]bypass{}, bypasses...), bypassesOf[scheme]...)
			configured := settings
			if scheme != "" {
				configured = having(settings, `"auth":"`+scheme+`"`)
			}
			a := inRole(t, role, configured, nil)
			for _, b := range all {
				cases++
				t.Run(string(role)+"/"+cmp.Or(scheme, "any")+"/"+b.name, func(t *testing.T) {
					for _, call := range calls {
						for _, body := range bodies {
							refusedCaller(t, a, role, handoffRequest(call, body), b.header)
						}
					}
				})
			}
		}
	}
	if cases < 300 {
		t.Errorf("only %d cases", cases)
	}
}

func refusedCaller(t *testing.T, a *adapter, role envelope.Role, req *sdk.Request, header http.Header) {
	t.Helper()
	req.Header = header
	req.Query = "token=" + testToken + "&Authorization=Bearer%20" + testToken
	got, err := a.Receive(t.Context(), req)
	told := "msg"
	if role == envelope.RoleCustomer {
		told = "message"
	}
	checkRefusal(t, got, err, told, http.StatusUnauthorized, "Authorization")
}

// TestUnconfiguredScheme holds the door shut should a scheme ever get past Configure without its token.
func TestUnconfiguredScheme(t *testing.T) {
	for _, scheme := range []string{authBearer, authBasic} {
		ch := &channel{settings: settings{Auth: scheme}}
		for _, h := range []http.Header{{}, authorization("Bearer "), authorization("Basic "), authorization(basic(":"))} {
			if ch.authentic(h) {
				t.Errorf("%s without a token lets %v in", scheme, h)
			}
		}
	}
}

func TestReceiveAcceptsCaller(t *testing.T) {
	plain := agent("https://api-sg.gptbots.ai")
	pairToken := strings.Replace(plain, testToken, "alice:pw", 1)
	noToken := strings.Replace(plain, `"`+testToken+`"`, `""`, 1)
	tests := []struct {
		name, settings string
		header         http.Header
	}{
		{"bearer", plain, authorization("Bearer " + testToken)},
		{"basic with the token as it is", plain, authorization("Basic " + testToken)},
		{"basic with a user", plain, authorization(basic("gptbots:" + testToken))},
		{"basic without a user", plain, authorization(basic(":" + testToken))},
		{"basic, pair configured", pairToken, authorization(basic("alice:pw"))},
		{"bearer, asked for", having(plain, `"auth":"bearer"`), authorization("Bearer " + testToken)},
		{"basic, asked for", having(plain, `"auth":"basic"`), authorization("Basic " + testToken)},
		{"basic with a user, asked for", having(plain, `"auth":"basic"`), authorization(basic("gptbots:" + testToken))},
		{"nothing configured", noToken, http.Header{}},
		{"nothing configured, something sent", noToken, authorization("Bearer x")},
		{"none, said so", having(noToken, `"auth":"none"`), http.Header{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bot := configured(t, tt.settings, nil)
			req := request(goodV1)
			req.Header = tt.header
			if _, err := bot.Receive(t.Context(), req); err != nil {
				t.Error(err)
			}
			person := inRole(t, envelope.RoleCustomer, tt.settings, nil)
			req = handoffRequest(chatCall, goodChat)
			req.Header = tt.header
			if _, err := person.Receive(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
}
