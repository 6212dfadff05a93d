package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

const (
	// maxNameBytes bounds organization and chatbot, so that both fit into a thread together with
	// a customer's id.
	maxNameBytes = 64
	// maxWindow bounds answer_window: for as long a signed call could be presented again.
	maxWindow = time.Hour
	// defaultWindow is the default of answer_window.
	defaultWindow = 5 * time.Minute
)

// farEnd is what stands behind base_url.
type farEnd string

const (
	farProxy    farEnd = "proxy"    // takes what its document says
	farPatchbay farEnd = "patchbay" // takes our additions as well
)

// settings is one channel's account. The first three belong to both roles; of the others each belongs to one.
type settings struct {
	Organization string     `json:"organization" patchbay:"required" doc:"organization segment of the messages path, at most 64 bytes"`
	Chatbot      string     `json:"chatbot" patchbay:"required" doc:"chatbotName segment of the messages path, at most 64 bytes"`
	AccessToken  sdk.Secret `json:"access_token" patchbay:"required" doc:"accessToken of a call: asked for in role customer, sent in role bot"`

	ReplyURL    string     `json:"reply_url" patchbay:"vendor-address" doc:"role customer, required: where answers are posted"`
	ReplyToken  sdk.Secret `json:"reply_token" doc:"role customer: sent with answers as a bearer token; none if empty"`
	ReplySecret sdk.Secret `json:"reply_secret" doc:"role customer: whsec_… that answers are signed with by Standard Webhooks; while it is replaced, the new and the former one, separated by a blank"`

	BaseURL      string        `json:"base_url" patchbay:"vendor-address" doc:"role bot, required: what stands before /mp/webhooks/native/messages/ at the far end"`
	FarEnd       farEnd        `json:"far_end" patchbay:"default=proxy,enum=proxy|patchbay" doc:"role bot: what the far end is; messageId, media and events are sent to a patchbay only"`
	TargetAgents []string      `json:"target_agents" doc:"role bot: targetAgents of a message that brings none of its own"`
	TextBytes    int           `json:"text_bytes" patchbay:"default=0" doc:"role bot: most bytes of UTF-8 that userSay may have, longer texts are split; 0: no limit, or 65536 if the far end is a patchbay"`
	AnswerToken  sdk.Secret    `json:"answer_token" doc:"role bot: bearer token that answers must have; none is asked for if empty"`
	AnswerSecret sdk.Secret    `json:"answer_secret" doc:"role bot: whsec_… that answers must be signed with by Standard Webhooks; several are separated by blanks; none is asked for if empty"`
	AnswerWindow time.Duration `json:"answer_window" patchbay:"default=5m" doc:"role bot: how far the timestamp of a signed answer may be from the gateway's clock, at most 1h"`
}

// read decodes a channel's settings and lists everything that is wrong with them, without warnings.
func read(ch sdk.Channel) (settings, []sdk.Problem) {
	var s settings
	if err := ch.Settings.Decode(&s); err != nil {
		return s, []sdk.Problem{{Message: err.Error()}}
	}
	var p problems
	if ch.Role != envelope.RoleCustomer && ch.Role != envelope.RoleBot {
		p.add("role", fmt.Sprintf("%q is not supported: a native channel has role %q, or role %q where the proxy is to answer",
			ch.Role, envelope.RoleCustomer, envelope.RoleBot))
	}
	p.add("organization", nameProblem(s.Organization))
	p.add("chatbot", nameProblem(s.Chatbot))
	switch token := s.AccessToken.Reveal(); {
	case token == "":
		p.add("access_token", "missing: set the token that callers send as accessToken")
	case !utf8.ValidString(token):
		p.add("access_token", "is not valid UTF-8, so no JSON can have it")
	}
	switch ch.Role {
	case envelope.RoleCustomer:
		s.checkCustomer(&p)
		p.foreign(ch.Role, s.botOnly())
	case envelope.RoleBot:
		s.checkBot(&p)
		p.foreign(ch.Role, s.customerOnly())
	}
	return s, p
}

func (s *settings) checkCustomer(p *problems) {
	p.add("reply_url", addressProblem(s.ReplyURL, "the address that answers are posted to", "reply_token"))
	p.add("reply_token", tokenProblem(s.ReplyToken))
	p.add("reply_secret", secretProblem(s.ReplySecret))
}

func (s *settings) checkBot(p *problems) {
	if m := addressProblem(s.BaseURL, "the far end's address, as it stands before "+messagesPath, "access_token"); m != "" {
		p.add("base_url", m)
	} else if strings.Contains(s.BaseURL, "?") {
		p.add("base_url", "has a query: the path of messages is added to it, so it must end before that")
	}
	if s.FarEnd != farProxy && s.FarEnd != farPatchbay {
		p.add("far_end", fmt.Sprintf("unknown %q: use %s or %s", s.FarEnd, farProxy, farPatchbay))
	}
	if slices.Contains(s.TargetAgents, "") {
		p.add("target_agents", "has an empty name: remove it")
	}
	if s.TextBytes != 0 && s.TextBytes < utf8.UTFMax {
		p.add("text_bytes", fmt.Sprintf("%d is too small for a character: use %d or more, or 0 for no limit", s.TextBytes,
			utf8.UTFMax))
	}
	if m := tokenProblem(s.AnswerToken); m != "" {
		p.add("answer_token", m)
	} else if strings.ContainsFunc(s.AnswerToken.Reveal(), unicode.IsSpace) {
		p.add("answer_token", "has blanks, which no bearer token has")
	}
	p.add("answer_secret", secretProblem(s.AnswerSecret))
	if w := s.AnswerWindow; w <= 0 || w > maxWindow {
		p.add("answer_window", fmt.Sprintf("%v is out of range: use more than 0 and at most %v", w, maxWindow))
	}
}

// setting is a setting's name, and whether it has another value than the default.
type setting struct {
	name string
	set  bool
}

func (s *settings) customerOnly() []setting {
	return []setting{
		{"reply_url", s.ReplyURL != ""}, {"reply_token", !s.ReplyToken.IsZero()}, {"reply_secret", !s.ReplySecret.IsZero()},
	}
}

func (s *settings) botOnly() []setting {
	return []setting{
		{"base_url", s.BaseURL != ""}, {"far_end", s.FarEnd != farProxy}, {"target_agents", len(s.TargetAgents) > 0},
		{"text_bytes", s.TextBytes != 0}, {"answer_token", !s.AnswerToken.IsZero()}, {"answer_secret", !s.AnswerSecret.IsZero()},
		{"answer_window", s.AnswerWindow != defaultWindow},
	}
}

// foreign complains about settings that belong to the other role.
func (p *problems) foreign(role envelope.Role, settings []setting) {
	for _, s := range settings {
		if s.set {
			p.add(s.name, fmt.Sprintf("means nothing to a channel of role %q: remove it, or change the role", role))
		}
	}
}

// warnings says what a channel works with, but hardly as meant.
func (s *settings) warnings(role envelope.Role) []sdk.Problem {
	if role != envelope.RoleBot || !s.AnswerToken.IsZero() || !s.AnswerSecret.IsZero() {
		return nil
	}
	return []sdk.Problem{{Path: "answer_token", Warning: true, Message: "is empty, and so is answer_secret, so anybody who " +
		"knows the path can speak as the bot: set one of them here and at the far end (reply_token or reply_secret, if that is a Patchbay)"}}
}
