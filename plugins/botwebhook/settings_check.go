package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Defaults that are compared with, to find settings of the other role.
const (
	defaultMediaBytes   = 10 << 20
	defaultWaitingLimit = time.Minute
)

// checker collects what is wrong with a channel's settings.
type checker struct {
	settings
	problems []sdk.Problem
}

// read decodes a channel's settings and lists everything that is wrong with them.
func read(ch sdk.Channel) (settings, []sdk.Problem) {
	var c checker
	if err := ch.Settings.Decode(&c.settings); err != nil {
		return c.settings, []sdk.Problem{{Message: err.Error()}}
	}
	c.access()
	switch ch.Role {
	case envelope.RoleBot:
		c.agent()
	case envelope.RoleCustomer:
		c.handoff()
	default:
		c.bad("role", "%q is not supported: use %q for an agent, %q for an agent's human hand-off", ch.Role,
			envelope.RoleBot, envelope.RoleCustomer)
	}
	return c.settings, c.problems
}

func (c *checker) bad(path, format string, args ...any) {
	c.problems = append(c.problems, sdk.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// oneOf finds values that an enum would refuse: schemas are checked by the gateway, not by Decode.
func (c *checker) oneOf(path, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	c.bad(path, "unknown %q: use %s", value, strings.Join(allowed, ", "))
}

// access checks what both roles need.
func (c *checker) access() {
	if m := addressProblem(c.BaseURL); m != "" {
		c.bad("base_url", "%s", m)
	}
	if c.APIKey.IsZero() {
		c.bad("api_key", "missing: copy it from the agent's page Integration > API")
	}
	if strings.ContainsFunc(c.APIKey.Reveal(), unicode.IsControl) {
		c.bad("api_key", "has control characters (a line end?), which can't be sent in a header")
	}
	if token := c.WebhookToken.Reveal(); strings.TrimSpace(token) != token || strings.ContainsFunc(token, unicode.IsControl) {
		c.bad("webhook_token", "has blanks around it or control characters, which never arrive in a header")
	}
	switch {
	case c.Auth == "":
	case c.Auth == authNone && !c.WebhookToken.IsZero():
		c.bad("auth", "is none, but there is a webhook_token: remove one of the two")
	case (c.Auth == authBearer || c.Auth == authBasic) && c.WebhookToken.IsZero():
		c.bad("webhook_token", "missing: auth is %s, so set the token that the vendor sends", c.Auth)
	default:
		c.oneOf("auth", c.Auth, authBearer, authBasic, authNone)
	}
}

// agent checks the settings of a bot.
func (c *checker) agent() {
	c.oneOf("mode", c.Mode, modeWebhook, modeBlocking, modeStreaming)
	c.oneOf("api", c.API, apiV2, apiV1)
	c.oneOf("media", c.Media, mediaLink, mediaBase64)
	c.oneOf("threads", string(c.Threads), string(sdk.ThreadsPerEpoch), string(sdk.ThreadsPerConversation))
	if c.MediaBytes < 1 || c.MediaBytes > sdk.MaxMediaBytes {
		c.bad("media_bytes", "is %d: use 1 to %d", c.MediaBytes, sdk.MaxMediaBytes)
	}
	if c.API == apiV1 {
		c.onlyV2("custom_variables", len(c.CustomVariables) > 0)
		c.onlyV2("corner_citation", c.CornerCitation != nil)
		c.onlyV2("knowledge.group_ids", c.Knowledge != nil && c.Knowledge.GroupIDs != nil)
	}
	for name := range c.CustomVariables {
		if !variableName(name) {
			c.bad("custom_variables", "has the name %q: names have 1 to %d bytes and no control characters", name, maxVariableName)
		}
	}
	if c.Knowledge != nil {
		c.identifiers("knowledge.data_ids", c.Knowledge.DataIDs)
		c.identifiers("knowledge.group_ids", c.Knowledge.GroupIDs)
	}
	const other = "belongs to a human hand-off: remove it, or give the channel role customer"
	if !c.SendKey {
		c.bad("send_key", other)
	}
	if c.WaitingLimit != defaultWaitingLimit {
		c.bad("waiting_limit", other)
	}
}

func (c *checker) onlyV2(path string, given bool) {
	if given {
		c.bad(path, "is not known to v1 of the API: remove it, or use api: v2")
	}
}

func (c *checker) identifiers(path string, ids []string) {
	for _, id := range ids {
		if !knowledgeID(id) {
			c.bad(path, "has the id %q: ids have 1 to %d bytes, no commas, blanks around or control characters", id, maxKnowledgeID)
		}
	}
}

// handoff checks the settings of a human hand-off: most of an agent's make no sense there.
func (c *checker) handoff() {
	for _, s := range []struct {
		path  string
		given bool
	}{
		{"mode", c.Mode != modeWebhook},
		{"api", c.API != apiV2},
		{"media", c.Media != mediaLink},
		{"media_bytes", c.MediaBytes != defaultMediaBytes},
		{"threads", c.Threads != sdk.ThreadsPerEpoch},
		{"short_term_memory", c.ShortTermMemory != nil},
		{"long_term_memory", c.LongTermMemory != nil},
		{"knowledge", c.Knowledge != nil},
		{"custom_variables", len(c.CustomVariables) > 0},
		{"corner_citation", c.CornerCitation != nil},
	} {
		if s.given {
			c.bad(s.path, "belongs to an agent: remove it, or give the channel role bot")
		}
	}
	if c.WaitingLimit < time.Second || c.WaitingLimit > 24*time.Hour {
		c.bad("waiting_limit", "is %s: use the time that is set up at the vendor, 60s if none is", c.WaitingLimit)
	}
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
