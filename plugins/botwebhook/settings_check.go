package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
)

// Defaults of settings for one role. A different value is a problem in the other role.
const (
	defaultMediaBytes   = 10 << 20
	defaultWaitingLimit = time.Minute
)

// checker collects problems of a channel's settings.
type checker struct {
	settings
	problems []sdk.Problem
}

// readSettings decodes a channel's settings and returns all problems with them.
func readSettings(ch sdk.Channel) (settings, []sdk.Problem) {
	var c checker
	if err := ch.Settings.Decode(&c.settings); err != nil {
		return c.settings, []sdk.Problem{{Message: err.Error()}}
	}
	c.checkAccess()
	switch ch.Role {
	case envelope.RoleBot:
		c.checkAgent()
	case envelope.RoleCustomer:
		c.checkHandoff()
	default:
		c.add("role", "%q is not supported; use %q for a GPTBots agent, or %q for its hand-offs to humans", ch.Role,
			envelope.RoleBot, envelope.RoleCustomer)
	}
	return c.settings, c.problems
}

func (c *checker) add(path, format string, args ...any) {
	c.problems = append(c.problems, sdk.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// oneOf reports a value that is not allowed. The gateway checks enums of the schema, but Decode does not.
func (c *checker) oneOf(path, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	c.add(path, "%q is unknown; use %s", value, strings.Join(allowed, ", "))
}

// checkAccess checks the settings for both roles.
func (c *checker) checkAccess() {
	if err := httpclient.CheckAddress(c.BaseURL, false); err != nil {
		c.add("base_url", "%v; write the API of the agent's region, such as https://api-sg.gptbots.ai", err)
	}
	if c.APIKey.IsZero() {
		c.add("api_key", "missing; copy it from the agent's page Integration > API")
	}
	if strings.ContainsFunc(c.APIKey.Reveal(), unicode.IsControl) {
		c.add("api_key", "contains control characters such as a newline, which cannot be part of a header; "+
			"copy it again")
	}
	token := c.WebhookToken.Reveal()
	if strings.TrimSpace(token) != token || strings.ContainsFunc(token, unicode.IsControl) {
		c.add("webhook_token", "has spaces around it or control characters, which cannot be part of a header; "+
			"copy it again")
	}
	switch {
	case c.Auth == "":
	case c.Auth == authNone && !c.WebhookToken.IsZero():
		c.add("auth", "is none, but webhook_token is set; remove one of them")
	case (c.Auth == authBearer || c.Auth == authBasic) && c.WebhookToken.IsZero():
		c.add("webhook_token", "missing; set the token that GPTBots sends, because auth is %s", c.Auth)
	default:
		c.oneOf("auth", c.Auth, authBearer, authBasic, authNone)
	}
}

// checkAgent checks the settings for role bot.
func (c *checker) checkAgent() {
	c.oneOf("mode", c.Mode, modeWebhook, modeBlocking, modeStreaming)
	c.oneOf("api", c.API, apiV2, apiV1)
	c.oneOf("media", c.Media, mediaLink, mediaBase64)
	c.oneOf("threads", string(c.Threads), string(sdk.ThreadsPerEpoch), string(sdk.ThreadsPerConversation))
	if c.MediaBytes < 1 || c.MediaBytes > sdk.MaxMediaBytes {
		c.add("media_bytes", "is %d; use 1 to %d", c.MediaBytes, sdk.MaxMediaBytes)
	}
	if c.API == apiV1 {
		c.onlyV2("custom_variables", len(c.CustomVariables) > 0)
		c.onlyV2("corner_citation", c.CornerCitation != nil)
		c.onlyV2("knowledge.group_ids", c.Knowledge != nil && c.Knowledge.GroupIDs != nil)
	}
	for name := range c.CustomVariables {
		if !validVariableName(name) {
			c.add("custom_variables", "contains the name %q; use names of 1 to %d bytes without control characters",
				name, maxVariableName)
		}
	}
	if c.Knowledge != nil {
		c.checkIDs("knowledge.data_ids", c.Knowledge.DataIDs)
		c.checkIDs("knowledge.group_ids", c.Knowledge.GroupIDs)
	}
	const other = "does not apply to role bot; remove it, or use role customer"
	if !c.SendKey {
		c.add("send_key", other)
	}
	if c.WaitingLimit != defaultWaitingLimit {
		c.add("waiting_limit", other)
	}
}

func (c *checker) onlyV2(path string, given bool) {
	if given {
		c.add(path, "is not supported by v1 of the API; remove it, or use api: v2")
	}
}

func (c *checker) checkIDs(path string, ids []string) {
	for _, id := range ids {
		if !validKnowledgeID(id) {
			c.add(path, "contains the id %q; use ids of 1 to %d bytes without commas, surrounding spaces or control "+
				"characters", id, maxKnowledgeID)
		}
	}
}

// checkHandoff checks the settings for role customer.
func (c *checker) checkHandoff() {
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
			c.add(s.path, "does not apply to role customer; remove it, or use role bot")
		}
	}
	if c.WaitingLimit < time.Second || c.WaitingLimit > 24*time.Hour {
		c.add("waiting_limit", "is %s; use the waiting time configured in GPTBots, 60s by default", c.WaitingLimit)
	}
}
