package aicc

import (
	"net/http"
	"time"

	"patchbay/sandbox/push"
)

// Stamp is the form of the timestamp in the signature, on which sources differ.
type Stamp int

// The forms.
const (
	StampSeconds Stamp = iota // 2006-01-02T15:04:05Z
	StampMillis               // 2006-01-02T15:04:05.000Z
	StampEpoch                // milliseconds since 1970
)

// FileLinks says how downloadFileStream hands out a file.
type FileLinks int

// The ways.
const (
	FileStreamOnly FileLinks = iota // in fileStream
	FileLinkToo                     // in fileStream, and fileUrl is a temporary link to it
	FileLinkOnly                    // fileStream is empty
)

// Options configure a Simulator.
type Options struct {
	AppKey    string
	AppSecret string
	ChannelID string // the channel's configuration id

	// PushBase is what the vendor's console calls baseUrl: gateway address and channel prefix. The
	// simulator adds /webhooks/v1/messages.
	PushBase  string
	PushKey   string // message push key, 43 letters and digits: the signature's secret
	AccessKey string // names the key in the signature; default AppKey
	Stamp     Stamp
	BareHost  bool // signs the host without its port; sources differ
	// SignHeaders are the signed headers: host, which is the default, content-length and content-type.
	SignHeaders []string
	// PushBearer, if set, makes pushes prove themselves by this bearer token instead of a signature
	// (the console's OAuth mode).
	PushBearer string
	// PushOff makes no pushes: what would be pushed is only there to be polled.
	PushOff bool

	// Robot, if set, stands in front of the agents: CONNECT lands there, and TRANS2AGENT brings the customer into the
	// queue. It is called with each text of the customer, and must not call the simulator.
	Robot    func(question string) RobotAnswer
	Greeting string // what the robot says first, "" for nothing

	// ConnectEvent makes Accept push a CONNECT event besides the system text.
	ConnectEvent bool
	// RefuseRepeats answers the CONNECT of a customer whom an agent has with code 13 and ReasonWithAgent, instead of
	// 0. The pages have that text for TRANS2AGENT, and say nothing of a repeated CONNECT.
	RefuseRepeats bool
	// NoSession is the text with which CHAT, INPUT and READ are refused when there is no session; default
	// "session expired". The pages list only ReasonSend for CHAT, which does not tell this from other failures.
	NoSession string

	UserTokenTTL time.Duration // default 1 h
	QuoteTokens  bool          // wraps tokens of applyToken into extra quotes, as an old sample has them

	MaxUpload   int // bytes of a file, default 10 MiB; the page states none
	MaxDownload int // bytes of a file, default 2 MB as the page says
	FileLinks   FileLinks
	// StrictFileType gives out files only as the type that they have. Without it any listed type will do: a push
	// does not tell the type.
	StrictFileType bool

	Retry       push.Retry
	Client      *http.Client // default push.NewClient()
	Concurrency int          // pushes under way at once; default 64
	Discard     bool         // count calls and pushes, but keep neither events nor lines nor what could be polled
	Now         func() time.Time
}

func (o *Options) complete() {
	if o.AccessKey == "" {
		o.AccessKey = o.AppKey
	}
	if len(o.SignHeaders) == 0 {
		o.SignHeaders = []string{"host"}
	}
	if o.NoSession == "" {
		o.NoSession = "session expired"
	}
	if o.UserTokenTTL == 0 {
		o.UserTokenTTL = time.Hour
	}
	if o.MaxUpload == 0 {
		o.MaxUpload = 10 << 20
	}
	if o.MaxDownload == 0 {
		o.MaxDownload = 2 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = push.NewClient()
	}
}
