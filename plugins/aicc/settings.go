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
	TokenURL  string     `json:"token_url" patchbay:"required,vendor-address" doc:"Full URL of tokenByAkSk, such as https://service.besclouds.com/apigovernance/api/oauth/tokenByAkSk; deployments differ in host and port."`
	AppKey    string     `json:"app_key" patchbay:"required" doc:"App key of API Fabric."`
	AppSecret sdk.Secret `json:"app_secret" patchbay:"required" doc:"App secret of API Fabric."`
	ChannelID string     `json:"channel_id" patchbay:"required" doc:"Configuration id of the AICC channel: what a push carries in from."`
	Locale    string     `json:"locale" patchbay:"default=en_US" doc:"Language in which AICC speaks to the customer, such as zh_CN."`

	TokenLife       time.Duration `json:"token_life" patchbay:"default=1h" doc:"Life of an access token that is asked for (X-Token-Expire); from 1m to 1h."`
	Transfer        bool          `json:"transfer" patchbay:"default=false" doc:"Send TRANS2AGENT after CONNECT, for an AICC channel whose CONNECT lands at AICC's own robot."`
	Offline         bool          `json:"offline_messages" patchbay:"default=false" doc:"Leave what the customer writes after the session has lapsed as an offline message (sendAsync), and keep the conversation at the desk after a time-out that allows it."`
	SendFailedLimit int           `json:"send_failed_limit" patchbay:"default=3" doc:"Attempt of a message from which on the answer \"send failed\" is taken for a session that is over, which is then opened again; 0 means never, at most 100."`

	MaxFileBytes int64  `json:"max_file_bytes" patchbay:"default=2097152" doc:"Most bytes of a file, either way; AICC's own limit is 2 MiB by default. At most 5242880."`
	UploadAs     string `json:"upload_media_type" patchbay:"default=plain,enum=plain|file" doc:"plain sends images and video as IMAGE and VIDEO; file as FILE_IMAGE and FILE_VIDEO, which name the file's type."`
	Files        string `json:"files" patchbay:"default=both,enum=both|local|library" doc:"Where files of agents are looked for if a message does not say: among those sent from disk (local), in the media library, or both in this order."`

	Inbound      string        `json:"inbound" patchbay:"default=push,enum=push|poll" doc:"push takes AICC's message push; poll asks AICC for each customer's messages, for sites that AICC can't reach."`
	PollInterval time.Duration `json:"poll_interval" patchbay:"default=2s" doc:"Time between two polls of one customer; from 200ms to 5m."`
	Verify       Verify        `json:"verify" doc:"How AICC proves that a push is its own; not needed with inbound: poll."`
}

// Verify says how pushes are authenticated.
type Verify struct {
	Mode         string        `json:"mode" patchbay:"enum=signature|bearer" doc:"signature (auth-v2), or bearer (a shared token); needed with inbound: push."`
	AccessKey    string        `json:"access_key" doc:"Access key that a signature must name; empty accepts any."`
	SecretKey    sdk.Secret    `json:"secret_key" doc:"Message push key of the AICC console; needed for signature."`
	FormerKey    sdk.Secret    `json:"previous_secret_key" doc:"Former message push key, accepted as well while the key is being changed."`
	FormerAccess string        `json:"previous_access_key" doc:"Access key that a signature by previous_secret_key must name; empty means the same as access_key."`
	Token        sdk.Secret    `json:"token" doc:"Shared token; needed for bearer."`
	FormerToken  sdk.Secret    `json:"previous_token" doc:"Former shared token, accepted as well while the token is being changed."`
	Window       time.Duration `json:"window" patchbay:"default=5m" doc:"How far the time of a signature may be from now, either way; at most 24h."`
	Host         string        `json:"host" doc:"Host that AICC calls, with its port if AICC signs that, if a proxy changes the Host header."`
	Path         string        `json:"path" doc:"Path that AICC calls, such as /desk/webhooks/v1/messages, if a proxy changes it."`
}

// The values of Verify.Mode, Settings.Inbound, UploadAs and Files.
const (
	modeSignature = "signature"
	modeBearer    = "bearer"

	inboundPush = "push"
	inboundPoll = "poll"

	uploadPlain = "plain"
	uploadFile  = "file"

	filesBoth    = "both"
	filesLocal   = "local"
	filesLibrary = "library"
)

// Bounds of settings. The file limit leaves room for base64 in the 8 MiB that one answer may have.
const (
	minTokenLife    = time.Minute
	maxTokenLife    = time.Hour // the vendor's own
	minPollInterval = 200 * time.Millisecond
	maxPollInterval = 5 * time.Minute
	mostFileBytes   = 5 << 20
	mostSendFailed  = 100
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
	if strings.Contains(s.BaseURL+"/", apiPath) {
		bad("base_url", "goes too far: %s… is appended; write what is before it, like https://service.besclouds.com", apiPath)
	} else if why := badAddress(s.BaseURL); why != "" {
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
	s.limitProblems(bad)
	switch s.Inbound {
	case inboundPoll:
		if s.Verify.Mode != "" {
			out = append(out, sdk.Problem{Path: "verify", Warning: true,
				Message: "is not used with inbound: poll, since AICC does not push then; leave it out, or set inbound to push"})
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
		bad("token_life", "%s; AICC gives access tokens for at most %s: write a time from %s to that", s.TokenLife, maxTokenLife,
			minTokenLife)
	}
	if s.PollInterval < minPollInterval || s.PollInterval > maxPollInterval {
		bad("poll_interval", "%s; write a time from %s to %s, such as 2s", s.PollInterval, minPollInterval, maxPollInterval)
	}
	if s.MaxFileBytes < 1 || s.MaxFileBytes > mostFileBytes {
		bad("max_file_bytes", "%d; write a number of bytes from 1 to %d", s.MaxFileBytes, mostFileBytes)
	}
	if s.SendFailedLimit < 0 || s.SendFailedLimit > mostSendFailed {
		bad("send_failed_limit", "%d; write a number from 0 (never) to %d, such as 3", s.SendFailedLimit, mostSendFailed)
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
			bad("verify.secret_key", "empty, but mode is signature; set it to the message push key of the AICC console")
		}
	case modeBearer:
		if v.Token.IsZero() {
			bad("verify.token", "empty, but mode is bearer; set it to the token that pushes carry")
		}
	default:
		bad("verify.mode", "%q is unknown; write signature or bearer", v.Mode)
	}
	for path, key := range map[string]string{"verify.access_key": v.AccessKey, "verify.previous_access_key": v.FormerAccess} {
		if strings.ContainsAny(key, "/ ") {
			bad(path, "holds a slash or a blank, which a signature can't carry; copy it again")
		}
	}
	if v.FormerAccess != "" && v.FormerKey.IsZero() {
		bad("verify.previous_access_key", "goes with verify.previous_secret_key, which is empty; set that or leave this out")
	}
	if v.Window <= 0 || v.Window > maxWindow {
		bad("verify.window", "%s; write a time between 1s and %s, such as 5m", v.Window, maxWindow)
	}
	if strings.ContainsAny(v.Host, "/ ") {
		bad("verify.host", "write the host alone, with its port if it has one, such as chat.example.com")
	}
	if v.Path != "" && (v.Path[0] != '/' || strings.ContainsAny(v.Path, "?# ")) {
		bad("verify.path", "write the whole path and nothing else, such as /desk%s", pushPath)
	}
}

// pushKeyLength is that of a push key of the console: exactly so many letters and digits.
const pushKeyLength = 43

// warnings tell of keys that no console gives. Such a one is mostly cut short, and no push will fit it.
func (v *Verify) warnings() (out []sdk.Problem) {
	if v.Mode != modeSignature {
		return nil
	}
	for _, k := range []struct {
		path string
		key  sdk.Secret
	}{{"verify.secret_key", v.SecretKey}, {"verify.previous_secret_key", v.FormerKey}} {
		if k.key.IsZero() {
			continue
		}
		odd := strings.IndexFunc(k.key.Reveal(), func(r rune) bool {
			return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9')
		})
		if odd >= 0 || len(k.key.Reveal()) != pushKeyLength {
			out = append(out, sdk.Problem{Path: k.path, Warning: true, Message: fmt.Sprintf(
				"is not %d letters and digits, as push keys of the AICC console are; copy it again if pushes are refused", pushKeyLength)})
		}
	}
	return out
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
