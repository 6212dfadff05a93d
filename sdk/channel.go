package sdk

import (
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk/envelope"
	"patchbay/sdk/settings"
)

// Channel is one configured account of the adapter.
type Channel struct {
	Name     string
	Role     envelope.Role
	Prefix   string // configured path prefix, "" or "/x"; the paths of an Endpoint do not include it
	Settings Settings
	Host     Host
}

// Settings are the settings of a channel, with defaults filled in and secrets resolved.
type Settings interface {
	// Decode decodes the settings into a pointer to the adapter's struct. Unknown names and wrong types are errors.
	Decode(into any) error
}

// NewSettings returns the settings in a JSON object, for tests of an adapter.
func NewSettings(object []byte) Settings { return settings.Values(object) }

// Host contains the SDK's services for one channel. All fields are safe for concurrent use.
type Host struct {
	// Logger has the channel's name as an attribute. Never log message text or secrets.
	Logger *slog.Logger
	// HTTP is the client for calls to the vendor. It refuses loopback, private, link-local and metadata addresses that
	// are not in Allow, does not follow redirects, and limits responses to 8 MiB. Its only timeout is the request's
	// context.
	HTTP *http.Client
	// Media is HTTP with the limit MaxMediaResponseBytes. Use it in Fetch.
	Media *http.Client
	// Allow lists the non-public networks that calls to the vendor may reach. It does not apply to media links, because a
	// customer can send any link. The SDK reads media links.
	Allow []netip.Prefix
	// Registry is for the adapter's own metrics. All channels of a process share it, so use [RegisterCollector]. Names
	// must begin with patchbay_plugin_. The gateway exports these metrics with the label adapter, the adapter's name in
	// the configuration. It omits other metrics. If the text exceeds 1 MiB, it omits all metrics. Registry is nil
	// without a gateway, as in tests of an adapter.
	Registry prometheus.Registerer
}

// Problem is an error or a warning about a channel's settings.
type Problem struct {
	// Path is the dotted path of the setting, like "verify.secret_key". "" means all settings. "role" means the channel's
	// role if no setting has this name. The Field of an error that Configure returns has the same form.
	Path    string
	Message string // the problem and its remedy
	// Warning means that the setting is valid but suspicious. The gateway shows the problem and starts.
	Warning bool
}

// Endpoint describes a configured channel.
type Endpoint struct {
	// Paths are the webhook paths, without the channel's prefix.
	Paths   []Path
	Refusal Refusal
	Threads ThreadMode // "" means per conversation
	// Capabilities describe the content that Deliver accepts on this channel. Nil means Description.Capabilities.
	Capabilities *Capabilities
	// Subscribes means that the gateway calls Subscribe for this channel; see Subscriber.
	Subscribes bool
	// Unknown applies to calls with an unknown outcome if the channel's setting delivery.unknown is auto or not set. ""
	// and "retry" repeat the call. Set "dead" if a repeated call is worse than a dead letter.
	Unknown string
}

// Path is one webhook path. Channels of one adapter may have the same pattern. The gateway then passes a request to the
// adapter once, with the names of all these channels.
type Path struct {
	Pattern      string   // pattern of net/http.ServeMux without method and host, like "/hooks/{channel}"
	Methods      []string // like "POST"
	ContentTypes []string // accepted media types; empty means any
	MaxBody      int64    // bytes; 0 means 1 MiB
}

// Refusal is the format of the gateway's response to a webhook call that it refuses. In Body, {{status}} is the
// HTTP status and {{text}} is a sentence, which is JSON-escaped if ContentType is JSON.
type Refusal struct {
	ContentType string
	Body        string
}

// ThreadMode is the lifetime of a thread.
type ThreadMode string

// The thread modes.
const (
	// ThreadsPerConversation keeps one thread for the whole conversation.
	ThreadsPerConversation ThreadMode = "per_conversation"
	// ThreadsPerEpoch opens a new thread each time the channel gets control, so that an answer on an earlier thread is
	// fenced.
	ThreadsPerEpoch ThreadMode = "per_epoch"
)
