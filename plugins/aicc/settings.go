package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Settings configure one AICC channel.
type Settings struct {
	BaseURL   string     `json:"base_url" patchbay:"required,vendor-address" doc:"Address of AICC's API, such as https://service.besclouds.com; /apiaccess/ccmessaging/… is appended."`
	TokenURL  string     `json:"token_url" patchbay:"required" doc:"Full URL of tokenByAkSk, such as https://service.besclouds.com/apigovernance/api/oauth/tokenByAkSk."`
	AppKey    string     `json:"app_key" patchbay:"required" doc:"App key of API Fabric."`
	AppSecret sdk.Secret `json:"app_secret" patchbay:"required" doc:"App secret of API Fabric."`
	ChannelID string     `json:"channel_id" patchbay:"required" doc:"Configuration id of the AICC channel: what a push carries in from."`
	Locale    string     `json:"locale" patchbay:"default=en_US" doc:"Language in which AICC speaks to the customer."`
	Verify    Verify     `json:"verify" patchbay:"required" doc:"How AICC proves that a push is its own."`
}

// Verify says how pushes are authenticated.
type Verify struct {
	Mode      string        `json:"mode" patchbay:"required,enum=signature|bearer" doc:"signature (auth-v2), or bearer (a shared token)."`
	AccessKey string        `json:"access_key" doc:"Access key that the signature must name; empty accepts any."`
	SecretKey sdk.Secret    `json:"secret_key" doc:"Message push key of the AICC console; needed for signature."`
	Token     sdk.Secret    `json:"token" doc:"Shared token; needed for bearer."`
	Window    time.Duration `json:"window" patchbay:"default=5m" doc:"How far the time of a signature may be from now."`
	Host      string        `json:"host" doc:"Host that AICC calls, if a proxy changes the Host header."`
}

// The values of Verify.Mode.
const (
	modeSignature = "signature"
	modeBearer    = "bearer"
)

// maxWindow bounds verify.window: a longer one would make a stolen signature good for days.
const maxWindow = 24 * time.Hour

// readSettings decodes a channel's settings and reports all that is wrong with them.
func readSettings(ch sdk.Channel) (Settings, []sdk.Problem) {
	var s Settings
	if err := ch.Settings.Decode(&s); err != nil {
		return s, []sdk.Problem{{Message: err.Error()}}
	}
	s.BaseURL = strings.TrimRight(s.BaseURL, "/")
	return s, s.problems(ch.Role)
}

func (s *Settings) problems(role envelope.Role) []sdk.Problem {
	var out []sdk.Problem
	bad := func(path, format string, args ...any) {
		out = append(out, sdk.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if role != envelope.RoleAgent {
		bad("role", "an aicc channel is a desk of human agents: set the channel's role to agent, not %q", role)
	}
	if why := badAddress(s.BaseURL); why != "" {
		bad("base_url", "%s; write it like https://service.besclouds.com", why)
	}
	if why := badAddress(s.TokenURL); why != "" {
		bad("token_url", "%s; write the full URL of tokenByAkSk", why)
	}
	if strings.TrimSpace(s.AppKey) == "" {
		bad("app_key", "empty; take it from API Fabric")
	}
	if s.AppSecret.IsZero() {
		bad("app_secret", "empty; take it from API Fabric")
	}
	if strings.TrimSpace(s.ChannelID) == "" {
		bad("channel_id", "empty; take the configuration id of the channel from the AICC console")
	}
	if s.Locale == "" {
		bad("locale", "empty; leave it out for en_US, or write a language like zh_CN")
	}
	s.Verify.problems(bad)
	return out
}

func (v *Verify) problems(bad func(path, format string, args ...any)) {
	switch v.Mode {
	case modeSignature:
		if v.SecretKey.IsZero() {
			bad("verify.secret_key", "empty, but mode is signature; set it to the message push key of the AICC console")
		}
	case modeBearer:
		if v.Token.IsZero() {
			bad("verify.token", "empty, but mode is bearer; set it to the token that pushes carry")
		}
	default:
		bad("verify.mode", "%q is unknown; write signature or bearer", v.Mode)
	}
	if strings.ContainsAny(v.AccessKey, "/ ") {
		bad("verify.access_key", "holds a slash or a blank, which a signature can't carry; copy it again")
	}
	if v.Window <= 0 || v.Window > maxWindow {
		bad("verify.window", "%s; write a time between 1s and %s, such as 5m", v.Window, maxWindow)
	}
	if strings.ContainsAny(v.Host, "/ ") {
		bad("verify.host", "write the host alone, with its port if it has one, such as chat.example.com")
	}
}

// badAddress says why a vendor address can't be used, "" if it can. It does not repeat the address,
// which may hold a password.
func badAddress(addr string) string {
	u, err := url.Parse(addr)
	switch {
	case addr == "":
		return "empty"
	case err != nil:
		return "not a URL"
	case u.Scheme != "https" && u.Scheme != "http":
		return "does not start with https:// (or http://)"
	case u.Hostname() == "":
		return "has no host"
	case u.User != nil:
		return "holds a user name or password"
	case u.RawQuery != "" || u.Fragment != "":
		return "has a query or fragment"
	}
	return ""
}
