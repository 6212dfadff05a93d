package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
	"patchbay/sdk/webhook"
)

// problems collects problems of settings.
type problems []sdk.Problem

// add adds a problem unless message is empty.
func (p *problems) add(path, message string) {
	if message != "" {
		*p = append(*p, sdk.Problem{Path: path, Message: message})
	}
}

// readSettings decodes a channel's settings and returns all problems with them, without warnings.
func readSettings(ch sdk.Channel) (settings, []sdk.Problem) {
	var s settings
	if err := ch.Settings.Decode(&s); err != nil {
		return s, []sdk.Problem{{Message: err.Error()}}
	}
	var p problems
	switch ch.Role {
	case envelope.RoleCustomer:
		s.checkAccount(&p)
		s.checkReplies(&p)
		p.addWrongRole(ch.Role, s.botSettings())
	case envelope.RoleBot:
		s.checkAccount(&p)
		s.checkBot(&p)
		p.addWrongRole(ch.Role, s.replySettings())
	case envelope.RoleObserver:
		s.checkReplies(&p)
		p.addWrongRole(ch.Role, append(s.accountSettings(), s.botSettings()...))
	default:
		p.add("role", fmt.Sprintf("%q is not supported; use role %q for a website, role %q for a proxy or another Patchbay, "+
			"or role %q for copies", ch.Role, envelope.RoleCustomer, envelope.RoleBot, envelope.RoleObserver))
	}
	return s, p
}

func (s *settings) checkAccount(p *problems) {
	p.add("organization", nameProblem(s.Organization))
	p.add("chatbot", nameProblem(s.Chatbot))
	switch token := s.AccessToken.Reveal(); {
	case token == "":
		p.add("access_token", "missing; set the token that messages carry as accessToken")
	case !utf8.ValidString(token):
		p.add("access_token", "is not valid UTF-8, so it cannot be part of JSON; copy it again")
	}
}

// checkReplies checks the settings for calls to reply_url.
func (s *settings) checkReplies(p *problems) {
	if err := httpclient.CheckAddress(s.ReplyURL, true); err != nil {
		p.add("reply_url", err.Error()+"; write the URL that replies or copies are posted to")
	}
	p.add("reply_token", tokenProblem(s.ReplyToken))
	p.add("reply_secret", secretProblem(s.ReplySecret))
}

func (s *settings) checkBot(p *problems) {
	if err := httpclient.CheckAddress(s.BaseURL, false); err != nil {
		p.add("base_url", err.Error()+"; write the far end's URL without "+messagesPath)
	}
	if s.FarEnd != farProxy && s.FarEnd != farPatchbay {
		p.add("far_end", fmt.Sprintf("%q is unknown; use %s or %s", s.FarEnd, farProxy, farPatchbay))
	}
	if slices.Contains(s.TargetAgents, "") {
		p.add("target_agents", "has an empty name; remove it")
	}
	if s.TextBytes != 0 && s.TextBytes < utf8.UTFMax {
		p.add("text_bytes", fmt.Sprintf("%d is too small for a character; use %d or more, or 0 for no limit", s.TextBytes,
			utf8.UTFMax))
	}
	if m := tokenProblem(s.AnswerToken); m != "" {
		p.add("answer_token", m)
	} else if strings.ContainsFunc(s.AnswerToken.Reveal(), unicode.IsSpace) {
		p.add("answer_token", "contains spaces, which a bearer token cannot have; copy it again")
	}
	p.add("answer_secret", secretProblem(s.AnswerSecret))
	if w := s.AnswerWindow; w <= 0 || w > maxWindow {
		p.add("answer_window", fmt.Sprintf("%v is out of range; use a duration above 0 and at most %v", w, maxWindow))
	}
}

// setting has the name of a setting. set reports whether the value differs from the default.
type setting struct {
	name string
	set  bool
}

func (s *settings) accountSettings() []setting {
	return []setting{
		{"organization", s.Organization != ""}, {"chatbot", s.Chatbot != ""}, {"access_token", !s.AccessToken.IsZero()},
	}
}

func (s *settings) replySettings() []setting {
	return []setting{
		{"reply_url", s.ReplyURL != ""}, {"reply_token", !s.ReplyToken.IsZero()}, {"reply_secret", !s.ReplySecret.IsZero()},
	}
}

func (s *settings) botSettings() []setting {
	return []setting{
		{"base_url", s.BaseURL != ""}, {"far_end", s.FarEnd != farProxy}, {"target_agents", len(s.TargetAgents) > 0},
		{"text_bytes", s.TextBytes != 0}, {"answer_token", !s.AnswerToken.IsZero()}, {"answer_secret", !s.AnswerSecret.IsZero()},
		{"answer_window", s.AnswerWindow != defaultWindow},
	}
}

// addWrongRole reports settings that apply only to other roles.
func (p *problems) addWrongRole(role envelope.Role, settings []setting) {
	for _, s := range settings {
		if s.set {
			p.add(s.name, fmt.Sprintf("does not apply to role %q; remove it, or change the role", role))
		}
	}
}

// warnings returns warnings about valid settings that are unsafe.
func (s *settings) warnings(role envelope.Role) []sdk.Problem {
	if role != envelope.RoleBot || !s.AnswerToken.IsZero() || !s.AnswerSecret.IsZero() {
		return nil
	}
	return []sdk.Problem{{Path: "answer_token", Warning: true, Message: "is empty, and so is answer_secret, so any " +
		"caller that knows the path can reply as the bot; set one of them here and at the far end, where Patchbay calls " +
		"them reply_token and reply_secret"}}
}

// nameProblem returns the problem with a path segment, or "".
func nameProblem(name string) string {
	switch {
	case name == "":
		return "missing; set the name in the path that messages are posted to"
	case len(name) > maxNameBytes:
		return fmt.Sprintf("has %d bytes; at most %d are allowed", len(name), maxNameBytes)
	case name == "." || name == "..":
		return "cannot be part of a path; use a name other than . and .."
	case strings.ContainsFunc(name, unicode.IsControl):
		return "contains control characters; copy it again"
	}
	return ""
}

// tokenProblem returns why a token cannot be sent in a header, or "".
func tokenProblem(token sdk.Secret) string {
	if strings.ContainsFunc(token.Reveal(), unicode.IsControl) {
		return "contains control characters such as a newline, which cannot be part of a header; copy it again"
	}
	return ""
}

// secretProblem returns the problem with Standard Webhooks secrets, or "".
func secretProblem(secret sdk.Secret) string {
	keys, err := webhook.ParseSigningKeys(secret.Reveal())
	switch {
	case err != nil:
		return err.Error() + "; create one with `echo whsec_$(openssl rand -base64 32)`"
	case len(keys) == 0 && !secret.IsZero():
		return "is blank; remove it, or create one with `echo whsec_$(openssl rand -base64 32)`"
	}
	return ""
}
