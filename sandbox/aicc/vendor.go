// Package aicc simulates Huawei Cloud AICC: the message API that the gateway calls, the pushes with the agents'
// messages, and the desk with its queue.
//
// It follows the vendor's pages "Message Push Interface Specifications", tokenByAkSk, applyToken, send, sendAsync,
// poll, uploadFileStream and downloadFileStream. The result texts are those of the page senMsgRsp.
package aicc

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"patchbay/sandbox/simulator"
)

// Names of the endpoints and of the push, for faults.
const (
	EndpointAccessToken = "tokenByAkSk"
	EndpointApplyToken  = "applyToken"
	EndpointSend        = "send"
	EndpointSendAsync   = "sendAsync"
	EndpointPoll        = "poll"
	EndpointUpload      = "uploadFileStream"
	EndpointDownload    = "downloadFileStream"
	EndpointFile        = "file" // the temporary links of downloadFileStream
	EndpointPush        = "push" // the calls of the gateway's webhook
)

// Formats of the timestamp in the signature. The vendor's documents differ. StampEpoch is milliseconds since 1970.
const (
	StampSeconds = "2006-01-02T15:04:05Z"
	StampMillis  = "2006-01-02T15:04:05.000Z"
	StampEpoch   = "epoch"
)

// FileLinks selects the form in which downloadFileStream returns a file.
type FileLinks int

const (
	FileStreamOnly FileLinks = iota // in fileStream
	FileLinkToo                     // in fileStream and as a temporary link in fileUrl
	FileLinkOnly                    // only as a temporary link in fileUrl
)

// Options configure a Simulator.
type Options struct {
	AppKey    string // also the access key of the signature
	AppSecret string
	ChannelID string // the channel's configuration id

	PushKey  string // message push key, 43 letters and digits: the signature's secret
	Stamp    string // default StampSeconds
	BareHost bool   // signs the host without its port; the vendor's documents differ
	// SignHeaders lists the signed headers: any of host, content-length and content-type. Default: host.
	SignHeaders []string
	// PushOff disables pushes: messages can only be polled.
	PushOff bool

	// Robot, if set, answers the customer's messages between CONNECT and TRANS2AGENT, which moves the customer into the
	// queue. It must not call the simulator. The simulator sends no message for an empty answer.
	Robot    func(question string) (answer string)
	Greeting string // the robot's first text, "" for none

	// ConnectEvent makes Accept push a CONNECT event in addition to the system text.
	ConnectEvent bool
	// NoSession is the result text of CHAT, INPUT and READ without a session; default "session expired". The vendor's
	// pages have only ReasonSend for CHAT, a text that also has other causes.
	NoSession string

	QuoteTokens bool // puts the tokens of applyToken in additional quotes, as an old sample does
	FileLinks   FileLinks
	// StrictFileType makes downloadFileStream require the type of the file. Otherwise it accepts any listed type,
	// because a push does not contain the type.
	StrictFileType bool

	Retry simulator.Retry
}

// Simulator is the simulated vendor. Create it with New and end it with Close; it is safe for concurrent use.
type Simulator struct {
	*simulator.Vendor
	// Events lists the events at the desk in order: the customers' calls and the agents' actions.
	Events simulator.Log[Event]

	o       Options
	pushKey atomic.Pointer[string]
	closed  atomic.Bool // outside working hours
	codes   atomic.Int64

	accessTokens simulator.Table[grant]
	userTokens   simulator.Table[grant]
	links        simulator.Table[grant]
	files        simulator.Table[File]
	mailboxes    simulator.Table[mailbox] // by user id

	mu    sync.Mutex
	chats []*Chat // in the order of their creation
}

// New returns a simulated AICC. Its desk is within working hours.
func New(o Options) *Simulator {
	if len(o.SignHeaders) == 0 {
		o.SignHeaders = []string{"host"}
	}
	o.NoSession, o.Stamp = cmp.Or(o.NoSession, "session expired"), cmp.Or(o.Stamp, StampSeconds)
	s := &Simulator{o: o, Vendor: simulator.NewVendor(o.Retry, refuse)}
	s.SetPushKey(o.PushKey)
	return s
}

// SetPushKey changes the key of the signature for all later attempts.
func (s *Simulator) SetPushKey(key string) { s.pushKey.Store(&key) }

// SetOpen sets whether the desk is within its working hours. Outside them, CONNECT without a robot and TRANS2AGENT fail
// with result code 12.
func (s *Simulator) SetOpen(open bool) {
	s.closed.Store(!open)
	s.record(&Chat{}, "hours", Line{Text: fmt.Sprintf("open: %t", open)}, false)
}

// Open returns whether the desk is within its working hours.
func (s *Simulator) Open() bool { return !s.closed.Load() }

// Handler returns the API; its paths start with /apigovernance, /apiaccess and, for temporary links, /files.
func (s *Simulator) Handler() http.Handler {
	const api = "/apiaccess/ccmessaging/"
	mux := http.NewServeMux()
	mux.Handle("POST /apigovernance/api/oauth/tokenByAkSk", s.Endpoint(EndpointAccessToken, simulator.JSON(s.tokenByAkSk)))
	applyToken := s.requireAccessToken(simulator.JSON(s.applyToken))
	mux.Handle("POST "+api+"applyToken", s.Endpoint(EndpointApplyToken, applyToken))
	mux.Handle("GET /files/{link}", s.Endpoint(EndpointFile, s.file))
	for pattern, call := range map[string]simulator.Endpoint{
		"POST " + EndpointSend: simulator.JSON(s.send), "POST " + EndpointSendAsync: simulator.JSON(s.send),
		"POST " + EndpointUpload: simulator.JSON(s.upload), "POST " + EndpointDownload: simulator.JSON(s.download),
		"GET " + EndpointPoll: s.poll,
	} {
		method, name, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" "+api+name, s.Endpoint(name, s.requireAccessToken(s.requireUserToken(call))))
	}
	return mux
}
