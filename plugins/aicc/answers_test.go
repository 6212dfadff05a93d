package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"patchbay/sdk"
)

// An oversized response is read up to a limit and counts as lost.
func TestOversizedResponseCountsAsLost(t *testing.T) {
	huge := `{"resultCode":"0","resultDesc":"` + strings.Repeat("x", maxResponse) + `"}`
	for _, tt := range []struct {
		call, action string
		want         sdk.ErrorKind
	}{
		{"send", "chat", sdk.KindUnknown}, {"send", "open", sdk.KindTransient}, {"send", "hangup", sdk.KindTransient},
		{"apply", "chat", sdk.KindTransient}, {"token", "chat", sdk.KindTransient},
	} {
		v := newMemoryVendor()
		read := 0
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call != tt.call {
				return nil
			}
			return func(w http.ResponseWriter, _ *http.Request) { read++; fmt.Fprint(w, huge) }
		}
		if err := act(t, deskIn(t, v, nil), tt.action); sdk.KindOf(err) != tt.want || read != 1 || len(err.Error()) > 300 {
			t.Errorf("%s of %s: %v after %d calls; want %s", tt.call, tt.action, err, read, tt.want)
		}
	}
}

// Responses with other JSON types than documented have the same meaning.
func TestResponsesWithOtherJSONTypes(t *testing.T) {
	for _, tt := range []struct {
		name, call, answer string
		want               sdk.ErrorKind // "" means success
	}{
		{"code as a number", "send", `{"resultCode":0,"resultDesc":null}`, ""},
		{"description as an object", "send", `{"resultCode":"0","resultDesc":{"en":"success"}}`, ""},
		{"description as a list, with a failure", "send", `{"resultCode":"12","resultDesc":["closed"]}`, sdk.KindDeclined},
		{"no code", "send", `{"resultDesc":"success"}`, sdk.KindUnknown},
		{"code as a list", "send", `{"resultCode":["0"]}`, sdk.KindUnknown},
		{"a list", "send", `[]`, sdk.KindUnknown},
		{"lifetime as a number", "token", `{"AccessToken":"ACCESS-1","Expires":600}`, ""},
		{"lifetime with a fraction", "token", `{"AccessToken":"ACCESS-1","Expires":600.5}`, ""},
		{"negative lifetime", "token", `{"AccessToken":"ACCESS-1","Expires":"-1"}`, ""},
		{"token as a number", "token", `{"AccessToken":1234567890123456789,"Expires":"600"}`, ""},
		{"token as a list", "token", `{"AccessToken":["ACCESS-1"]}`, sdk.KindUnauthorized},
		{"user's token as a number", "apply", `{"resultCode":0,"token":1234567890123456789}`, ""},
		{"user's token as an object", "apply", `{"resultCode":"0","token":{"value":"USER-1"}}`, sdk.KindTransient},
		{"user's token missing", "apply", `{}`, sdk.KindTransient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVendor(t, map[string][]reply{tt.call: {respond(200, tt.answer)}})
			err := act(t, deskAt(t, v, nil), "chat")
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || sdk.KindOf(err) != tt.want) {
				t.Errorf("Deliver = %v; want %q", err, tt.want)
			}
			if tt.want == "" && v.count("send") != 1 {
				t.Errorf("%d calls of send; want 1", v.count("send"))
			}
		})
	}
}

// The lifetime of an access token is the one that AICC grants, at most the requested one.
func TestAccessTokenLifetime(t *testing.T) {
	for _, tt := range []struct {
		requested, expires string
		want               time.Duration
	}{
		{"1h", `"120"`, 2 * time.Minute}, {"1h", `120`, 2 * time.Minute}, {"1h", `"3600"`, time.Hour}, {"1h", `"86400"`, time.Hour},
		{"5m", `"3600"`, 5 * time.Minute}, {"1h", `"soon"`, defaultTokenLife}, {"1h", `null`, defaultTokenLife}, {"1h", `"0"`, defaultTokenLife},
		{"5m", `"-7"`, 5 * time.Minute}, {"1h", `99999999999999999999`, defaultTokenLife},
	} {
		v := newVendor(t, map[string][]reply{"token": {respond(200, `{"AccessToken":"ACCESS-1","Expires":`+tt.expires+`}`)}})
		c, err := deskAt(t, v, map[string]any{"token_life": tt.requested}).channel("desk")
		if err != nil {
			t.Fatal(err)
		}
		if token, life, err := c.fetchToken(t.Context()); token != "ACCESS-1" || life != tt.want || err != nil {
			t.Errorf("%s requested, %s granted: %q for %s, %v; want %s", tt.requested, tt.expires, token, life, err, tt.want)
		}
	}
}
