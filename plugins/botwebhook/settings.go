package main

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// read decodes a channel's settings and lists everything that is wrong with them.
func read(ch sdk.Channel) (settings, []sdk.Problem) {
	var s settings
	if err := ch.Settings.Decode(&s); err != nil {
		return s, []sdk.Problem{{Message: err.Error()}}
	}
	var problems []sdk.Problem
	bad := func(path, message string) { problems = append(problems, sdk.Problem{Path: path, Message: message}) }
	if ch.Role != envelope.RoleBot {
		bad("role", fmt.Sprintf("%q is not supported: a botwebhook channel has role %q", ch.Role, envelope.RoleBot))
	}
	if m := addressProblem(s.BaseURL); m != "" {
		bad("base_url", m)
	}
	if s.APIKey.IsZero() {
		bad("api_key", "missing: copy it from the agent's page Integration > API")
	}
	if strings.ContainsFunc(s.APIKey.Reveal(), unicode.IsControl) {
		bad("api_key", "has control characters (a line end?), which can't be sent in a header")
	}
	if token := s.WebhookToken.Reveal(); strings.TrimSpace(token) != token || strings.ContainsFunc(token, unicode.IsControl) {
		bad("webhook_token", "has blanks around it or control characters, which never arrive in a header")
	}
	if s.Threads != sdk.ThreadsPerTerm && s.Threads != sdk.ThreadsPerConversation {
		bad("threads", fmt.Sprintf("unknown %q: use %s or %s", s.Threads, sdk.ThreadsPerTerm, sdk.ThreadsPerConversation))
	}
	return s, problems
}

// addressProblem says what is wrong with the API's address, "" if nothing.
func addressProblem(address string) string {
	if address == "" {
		return "missing: set the API of the agent's region, like https://api-sg.gptbots.ai"
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "not an address: write it like https://api-sg.gptbots.ai"
	case u.User != nil:
		return "has credentials in it: use api_key"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "has a query or fragment: the API's paths are added to it, so it must end before them"
	}
	return ""
}
