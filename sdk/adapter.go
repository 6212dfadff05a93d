package sdk

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"patchbay/sdk/envelope"
	"patchbay/sdk/settings"
)

// Adapter is what every plugin provides.
type Adapter interface {
	// Describe says who the adapter is and what it can carry. It must not depend on
	// configuration, touch the network, or fail.
	Describe() Description

	// Configure makes one channel usable, or replaces the configuration of a channel of the
	// same name; calls already running may finish with the former one. It must not touch the
	// network: `patchbay check` calls it. An error names the setting that is wrong.
	Configure(ctx context.Context, ch Channel) (Endpoint, error)
}

// Receiver translates a vendor's webhook call.
type Receiver interface {
	// Receive verifies the caller, translates, and returns the envelopes together with the exact
	// answer that the vendor expects once they are stored. A call is refused whole (a typed
	// error) only for authentication, size or syntax; a bad item in a good batch becomes an
	// envelope of kind unparsed. Receive has no side effects and may run twice for one call.
	Receive(ctx context.Context, req *Request) (*Reception, error)
}

// Deliverer translates an envelope into a call of the vendor's API.
type Deliverer interface {
	// Deliver makes at most one call that has an effect at the vendor, and returns what the
	// vendor answered or a typed error. The gateway retries; Deliver does not. It must return
	// soon after ctx ends, with an error of kind KindUnknown if the call may have happened.
	Deliver(ctx context.Context, d *Delivery) (*Receipt, error)
}

// Opener is for vendors where a conversation must be created before the first message.
type Opener interface {
	// Open creates the vendor's conversation and returns its thread. It is a delivery of its
	// own, ordered and retried like one, and its result is stored before the first Deliver.
	Open(ctx context.Context, o *Opening) (*Opened, error)
}

// Validator is for checks that a JSON Schema can't express.
type Validator interface {
	// Validate reports what is wrong with a channel's settings, each with the path of the
	// setting ("verify.secret_key"). It must not touch the network.
	Validate(ch Channel) []Problem
}

// Drainer is for adapters that hold work of their own.
type Drainer interface {
	// Drain returns when all work of the adapter's own is finished, or ctx ends. The SDK waits
	// for running calls by itself.
	Drain(ctx context.Context) error
}

// Problem is one thing that is wrong with a channel's settings.
type Problem struct {
	// Path is the dotted path below settings; "" for the whole, "role" for the channel's role, unless there is a
	// setting of that name. So is the Field of an error of Configure.
	Path    string
	Message string // what is wrong and what to do
	// Warning means that the channel works, but hardly as meant. It is shown, and the gateway starts all the same.
	Warning bool
}

// Description is an adapter's account of itself.
type Description struct {
	Name    string // "native"; must equal the adapter's type, not its name in the configuration
	Version string // semantic version
	Vendor  string // for people: "GPTBots"
	// Roles that a channel of the adapter may have. It is for people and for the exam; Validate refuses the others.
	Roles []envelope.Role
	// Settings is a pointer to a zero value of the author's settings struct; the SDK makes a
	// JSON Schema of it. Tags: json names the key; patchbay:"required", "vendor-address",
	// "default=…", "enum=a|b", "pattern=…" (comma separated; pattern last), doc:"…" describes it.
	// A field of type Secret is marked as a secret.
	Settings     any
	Capabilities Capabilities
	// ReasonCodes lists what a declined error's Reason can be, with an explanation for operators. Rules on
	// offer_failed compare `reason` with these codes, and trails show them. The gateway does not read the list
	// yet: it neither checks rules against it nor shows the explanations.
	ReasonCodes map[string]string
}

// Capabilities say what Deliver accepts. The gateway degrades or withholds the rest.
type Capabilities struct {
	Parts  []envelope.PartType // part types that Deliver carries
	Events []envelope.Kind     // kinds other than message that Deliver wants
	// TextBytes is the most that one Deliver carries as text, in bytes of UTF-8; the gateway splits
	// longer text into several deliveries. 0 means no limit.
	TextBytes int
	// History means that Deliver makes use of Delivery.History. Otherwise the gateway sends a
	// transcript as text, split by TextBytes.
	History bool
	// Idempotent means that the vendor takes Delivery.Key, so that a repeat has no second effect. The gateway
	// gives every delivery its key and does not use this yet: what happens when a call may have had its effect is
	// decided by delivery.unknown in the configuration alone.
	Idempotent bool
	// Media says in which form Deliver wants the images, audio, video and files that are among Parts.
	Media MediaMode
	// MediaBytes is the most that one medium may have; 0 means MaxMediaBytes.
	MediaBytes int64
	// MediaTypes are the media types that the vendor takes, "image/png" or "image/*"; none means any.
	MediaTypes []string
	// MediaApart means that one call carries either words or one medium: the gateway makes a delivery of each, the
	// words first, with the captions among them.
	MediaApart bool
}

// MediaMode says how media reach Deliver. What can't be given in the declared form is put into words by the gateway.
type MediaMode string

// The media modes.
const (
	// MediaAsIs is for adapters that pass on the links that vendors give: a part has a URL, or words in its place.
	MediaAsIs MediaMode = ""
	// MediaLink: each medium has a URL that needs no credentials, the vendor's own or a signed one of the gateway's that
	// expires after a while.
	MediaLink MediaMode = "link"
	// MediaStream: the bytes of each medium are in Delivery.Media.
	MediaStream MediaMode = "stream"
)

// Channel is one configured account of the adapter.
type Channel struct {
	Name     string
	Role     envelope.Role
	Prefix   string // configured path prefix, "" or "/x"; Endpoint paths are without it
	Settings Settings
	Host     Host
}

// Host is what the SDK hands to an adapter. All of it is safe for concurrent use.
type Host struct {
	Logger *slog.Logger // carries the channel's name; never log message text or secrets
	// HTTP calls the vendor. It refuses loopback, private, link-local and metadata addresses
	// unless Allow names them, follows no redirects, caps answers at 8 MiB and takes its deadline from the
	// request's context.
	HTTP *http.Client
	// Allow is for calls of the vendor alone. Links to media that people send are read by the SDK, which does not heed it.
	Allow []netip.Prefix
	// Registry takes metrics of the adapter's own; there is one per process, so channels share them
	// (prometheus.AlreadyRegisteredError has the existing collector). Names begin with patchbay_plugin_: the gateway
	// shows those among its own metrics, with the adapter's name in the configuration as the label adapter, and
	// leaves out others, and all if they are more than 1 MiB of text.
	// Nil where there is no gateway, as in tests of an adapter.
	Registry prometheus.Registerer
}

// Settings is a channel's settings tree, with defaults filled in and secrets resolved.
type Settings interface {
	// Decode fills a pointer to the author's struct. Unknown keys and wrong types are errors.
	Decode(into any) error
}

// NewSettings returns the settings of a JSON object, for tests of an adapter.
func NewSettings(object []byte) Settings { return settings.Values(object) }

// ThreadMode says how long a thread lives.
type ThreadMode string

// The thread modes.
const (
	// ThreadsPerConversation keeps one thread as long as the conversation lives.
	ThreadsPerConversation ThreadMode = "per_conversation"
	// ThreadsPerEpoch opens a new thread each time the channel gets control, so that an answer on
	// an earlier thread is known to be stale.
	ThreadsPerEpoch ThreadMode = "per_epoch"
)

// Endpoint is what a configured channel offers and needs.
type Endpoint struct {
	// Paths that the channel receives webhooks on, without the channel's prefix.
	Paths   []Path
	Refusal Refusal
	Threads ThreadMode // "" means per conversation
	// Capabilities are what Deliver accepts on this channel; nil means what Describe says.
	Capabilities *Capabilities
	// Subscribes means that the gateway is to call Subscribe for this channel; see Subscriber.
	Subscribes bool
	// Unknown is what the gateway does about a call that may have had its effect, where the channel's delivery.unknown
	// does not say: "" or "retry", or "dead" if to repeat one is worse than to leave it to an operator.
	Unknown string
}

// Path is one webhook path. Pattern is in net/http.ServeMux form without method or host
// ("/hooks/{channel}"). Channels of one adapter may share a pattern; the gateway then hands
// a request on it to the adapter once, with all their names.
type Path struct {
	Pattern      string
	Methods      []string // "POST"
	ContentTypes []string // accepted media types; empty means any
	MaxBody      int64    // bytes; 0 means 1 MiB
}

// Refusal is the form in which this vendor is told "no": what the gateway uses when it must refuse by
// itself. In Body, {{status}} stands for the HTTP status and {{text}} for a sentence, JSON-escaped
// if ContentType is JSON.
type Refusal struct {
	ContentType string
	Body        string
}

// Request is a webhook call as it arrived.
type Request struct {
	Channels []string // channels that claim the path, at least one
	Method   string
	Host     string // Host header as received
	Path     string // as received, escaped form, without the channel's prefix
	FullPath string // as received, escaped form, with the prefix
	Query    string // raw, without "?"
	Header   http.Header
	Body     []byte // raw; signatures are over these bytes
	Remote   string // address of the caller
}

// Reception is what came of a webhook call.
type Reception struct {
	Envelopes []*envelope.Envelope // may be empty: challenges and test calls
	// Answer is sent once all envelopes are stored, also when they were duplicates.
	Answer Response
}

// Response is an HTTP answer to the vendor.
type Response struct {
	Status      int // 0 means 200
	ContentType string
	Body        []byte
	Header      map[string]string
}

// Delivery is one envelope for one vendor.
type Delivery struct {
	Channel string
	Key     string // idempotency key: dashed UUID, the same over all attempts
	Attempt int    // 1, 2, …
	Thread  string // as returned by Open or taken from an inbound envelope
	// State is what Open or the last Deliver on this thread returned, at most MaxStateBytes.
	State    []byte
	Envelope *envelope.Envelope
	// History is what the channel has not yet seen, oldest first; only on the first delivery of a
	// thread or epoch, and only if Capabilities.History is set.
	History []*envelope.Envelope
	// Media has the bytes of Envelope.Parts[i] in Media[i], where the channel declared MediaStream and that part is
	// a medium; else nil. It may be shorter than Parts. It is valid until Deliver returns.
	Media []*Attachment
}

// MaxStateBytes is the most that a thread's state may have.
const MaxStateBytes = 4 << 10

// Receipt says that the vendor took a delivery.
type Receipt struct {
	VendorID string // the vendor's id for it, "" if it gave none
	State    []byte // new thread state; nil leaves it
	// Replies are answers that came with the call (synchronous bots). They are stored together
	// with the outcome and then treated like received envelopes.
	Replies []*envelope.Envelope
	// Degraded says what could not be carried and what was sent instead, "" if all was.
	Degraded string
}

// Opening asks for a new conversation at the vendor.
type Opening struct {
	Channel      string
	Key          string // idempotency key
	Attempt      int
	Conversation string
	Epoch        uint64
	Customer     envelope.Sender
	CustomerID   string // 32 hexadecimal characters, the same for this customer for ever
	// Offer is true if the channel is asked whether it takes the conversation; it accepts by an
	// envelope of kind connected or by its first message of sender role agent.
	Offer      bool
	Reason     string // name of the rule that asks
	Attributes map[string]string
}

// Opened is the vendor's new conversation.
type Opened struct {
	Thread string // required
	State  []byte
	// Accepted is true if the vendor said at once that somebody is there.
	Accepted bool
}

// HealthChecker is for adapters that know whether the vendor is usable.
type HealthChecker interface {
	// Health returns nil if the channel works, else what is wrong, for operators. It is called
	// rarely and must return within a second; it need not call the vendor.
	Health(ctx context.Context, channel string) error
}

// Timeouts and limits of the protocol.
const (
	// ReceiveTimeout is how long Receive may take.
	ReceiveTimeout = 5 * time.Second
)
