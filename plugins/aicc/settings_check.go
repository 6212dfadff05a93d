package main

import (
	"fmt"
	"regexp"
	"strings"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/httpclient"
)

// readSettings decodes a channel's settings and returns all problems with them.
func readSettings(ch sdk.Channel) (Settings, []sdk.Problem) {
	var s Settings
	if err := ch.Settings.Decode(&s); err != nil {
		return s, []sdk.Problem{{Message: err.Error()}}
	}
	s.BaseURL = strings.TrimRight(s.BaseURL, "/")
	return s, s.problems(ch.Role)
}

// localeForm matches a language with an optional script and country.
var localeForm = regexp.MustCompile(`^[A-Za-z]{2,8}([_-][A-Za-z0-9]{2,8})*$`)

// problems checks the settings. Each message suggests a valid value.
func (s *Settings) problems(role envelope.Role) []sdk.Problem {
	var out []sdk.Problem
	bad := func(path, format string, args ...any) {
		out = append(out, sdk.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	}
	if role != envelope.RoleAgent {
		bad("role", "is %q; set it to agent, because AICC connects human agents", role)
	}
	if strings.Contains(s.BaseURL+"/", apiPath) {
		bad("base_url", "must end before %s, which the adapter appends; write https://service.besclouds.com", apiPath)
	} else if err := httpclient.CheckAddress(s.BaseURL, false); err != nil {
		bad("base_url", "%v; write it like https://service.besclouds.com", err)
	}
	if err := httpclient.CheckAddress(s.TokenURL, false); err != nil {
		bad("token_url", "%v; write the full URL of tokenByAkSk", err)
	}
	if strings.TrimSpace(s.AppKey) == "" {
		bad("app_key", "empty; copy it from API Fabric")
	}
	if s.AppSecret.IsZero() {
		bad("app_secret", "empty; copy it from API Fabric")
	}
	if strings.TrimSpace(s.ChannelID) == "" {
		bad("channel_id", "empty; copy the channel's configuration id from the AICC console")
	}
	if !localeForm.MatchString(s.Locale) {
		bad("locale", "must be a language, such as zh_CN; omit it for en_US")
	}
	s.limitProblems(bad)
	switch s.Inbound {
	case inboundPoll:
		if s.Verify.Mode != "" {
			out = append(out, sdk.Problem{Path: "verify", Warning: true,
				Message: "is not used with inbound: poll; remove it, or set inbound to push"})
		}
	case inboundPush:
		s.Verify.problems(bad)
		out = append(out, s.Verify.warnings()...)
	default:
		bad("inbound", "%q is unknown; write push or poll", s.Inbound)
	}
	return out
}

func (s *Settings) limitProblems(bad func(path, format string, args ...any)) {
	if s.TokenLife < minTokenLife || s.TokenLife > maxTokenLife {
		bad("token_life", "%s; write a duration from %s to %s, AICC's maximum", s.TokenLife, minTokenLife, maxTokenLife)
	}
	if s.PollInterval < minPollInterval || s.PollInterval > maxPollInterval {
		bad("poll_interval", "%s; write a duration from %s to %s, such as 2s", s.PollInterval, minPollInterval,
			maxPollInterval)
	}
	if s.MaxFileBytes < 1 || s.MaxFileBytes > maxFileBytes {
		bad("max_file_bytes", "%d; write a number of bytes from 1 to %d", s.MaxFileBytes, maxFileBytes)
	}
	if s.SendFailedLimit < 0 || s.SendFailedLimit > maxSendFailed {
		bad("send_failed_limit", "%d; write a number from 0 (never) to %d, such as 3", s.SendFailedLimit, maxSendFailed)
	}
	if s.UploadAs != uploadPlain && s.UploadAs != uploadFile {
		bad("upload_media_type", "%q is unknown; write plain or file", s.UploadAs)
	}
	if s.Files != filesBoth && s.Files != filesLocal && s.Files != filesLibrary {
		bad("files", "%q is unknown; write both, local or library", s.Files)
	}
}

func (v *Verify) problems(bad func(path, format string, args ...any)) {
	switch v.Mode {
	case modeSignature:
		if v.SecretKey.IsZero() {
			bad("verify.secret_key", "empty, but mode is signature; copy the message push key from the AICC console")
		}
	case modeBearer:
		if v.Token.IsZero() {
			bad("verify.token", "empty, but mode is bearer; set it to the token that AICC sends with its pushes")
		}
	default:
		bad("verify.mode", "%q is unknown; write signature or bearer", v.Mode)
	}
	for path, key := range map[string]string{
		"verify.access_key": v.AccessKey, "verify.previous_access_key": v.PreviousAccess,
	} {
		if strings.ContainsAny(key, "/ ") {
			bad(path, "contains a slash or a space, which cannot be part of a signature; copy it again")
		}
	}
	if v.PreviousAccess != "" && v.PreviousKey.IsZero() {
		bad("verify.previous_access_key",
			"requires verify.previous_secret_key, which is empty; set that key or remove this one")
	}
	if v.Window <= 0 || v.Window > maxWindow {
		bad("verify.window", "%s; write a duration from 1s to %s, such as 5m", v.Window, maxWindow)
	}
	if strings.ContainsAny(v.Host, "/ ") {
		bad("verify.host", "must be a host with an optional port, such as chat.example.com")
	}
	if v.Path != "" && (v.Path[0] != '/' || strings.ContainsAny(v.Path, "?# ")) {
		bad("verify.path", "must be the complete path without a query, such as /desk%s", pushPath)
	}
}

// pushKeyLength is the number of letters and digits in a message push key (console page "Enabling message push").
const pushKeyLength = 43

// warnings reports push keys that the console cannot have generated. Most of them are truncated copies.
func (v *Verify) warnings() (out []sdk.Problem) {
	if v.Mode != modeSignature {
		return nil
	}
	for _, k := range []struct {
		path string
		key  sdk.Secret
	}{{"verify.secret_key", v.SecretKey}, {"verify.previous_secret_key", v.PreviousKey}} {
		if k.key.IsZero() {
			continue
		}
		odd := strings.IndexFunc(k.key.Reveal(), func(r rune) bool {
			return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9')
		})
		if odd >= 0 || len(k.key.Reveal()) != pushKeyLength {
			out = append(out, sdk.Problem{Path: k.path, Warning: true, Message: fmt.Sprintf(
				"is not %d letters and digits like the AICC console's push keys; copy it again if pushes are refused",
				pushKeyLength)})
		}
	}
	return out
}
