// Package config loads the gateway's configuration: environment variables override one YAML file, which overrides the
// defaults. Load returns all problems together, each with its position, advice and a suggestion. A configuration that
// loads is complete and consistent.
//
// The file is decoded into nodes with positions. The nodes of the defaults, the file and the environment are merged
// and then decoded into settings. Settings keep their nodes, so that a check reports a problem at the position of the
// setting.
//
// Secrets are references (${env:NAME}, ${env:NAME:-default}, ${file:path}). Only the adapters get their values: no
// error, no problem and no printed form contains them.
package config

import (
	"fmt"
	"net/netip"
	"time"

	"patchbay/core/internal/hours"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// Config is a complete, checked configuration. It is immutable: readers share it without locks.
type Config struct {
	Listen    string // public listener, host:port
	PublicURL string // URL of Listen for vendors, without a slash at the end; "" if not set, see BaseURL
	// TrustedProxies are the networks of proxies in front of Listen.
	TrustedProxies []netip.Prefix

	Admin         Admin
	Store         Store
	Adapters      map[string]Adapter
	Channels      []Channel // in file order
	Conversations Conversations
	Limits        Limits
	Media         Media
	Log           Log
	Shutdown      Shutdown
	Routes        []route.Rule
	Table         *route.Table // Routes, compiled
	Warnings      []Problem    // suspicious but valid settings
	Hash          string       // of the file's bytes; 12 hexadecimal characters

	path     string // of the file
	content  []byte // of the file
	root     *node
	source   *source
	problems []Problem // of a configuration that did not load
}

// Admin is the listener for operators and monitoring.
type Admin struct {
	Listen string // host:port on loopback
}

// Store is the place of the log.
type Store struct {
	Dir string // absolute, or relative to the working directory if the configuration file's path is relative
	Cap ByteSize
}

// Adapter is one plugin program.
type Adapter struct {
	Name    string
	Command string   // a path if it has a slash; otherwise a name that is looked up in PATH
	Args    []string // without the program's name
	Env     Env      // NAME=value, in addition to the variables that every plugin gets
}

// Channel is one configured account of an adapter.
type Channel struct {
	Name    string
	Adapter string
	Role    envelope.Role
	Owner   string       // the channel that answers first; set for customer channels only, by default conversations.owner
	Title   string       // that customers may see, "" if none
	Hours   *hours.Hours // in which it is asked to take conversations; nil is always
	Overlap Overlap      // set for bot channels only
	Path    string       // prefix of its webhook paths, "" or "/x"
	// Allow lists non-public networks in which the vendor may be called. AllowLinks lists non-public networks that
	// inbound media links may resolve to. They are independent, since any customer can send a link.
	Allow      []netip.Prefix
	AllowLinks []netip.Prefix
	Delivery   Delivery
	Settings   Settings
}

// Overlap selects how a bot gets the messages that a customer writes before the bot has answered.
type Overlap string

// The values of Overlap. OverlapSend sends each message immediately. OverlapQueue sends the next message after the
// bot's answer. OverlapMerge also joins the texts of the waiting messages.
const (
	OverlapSend  Overlap = "send"
	OverlapQueue Overlap = "queue"
	OverlapMerge Overlap = "merge"
)

// Then is the action of a lane after a delivery was given up.
type Then string

// The actions: ThenSkip continues with the next delivery, ThenBlock stops the lane.
const (
	ThenSkip  Then = "skip"
	ThenBlock Then = "block"
)

// Unknown is the policy for a delivery with an unknown outcome.
type Unknown string

// The policies for unknown outcomes.
const (
	UnknownAuto  Unknown = "auto" // the adapter's preference, by default retry
	UnknownRetry Unknown = "retry"
	UnknownDead  Unknown = "dead"
)

// Delivery configures the calls to a channel's vendor.
type Delivery struct {
	Timeout     time.Duration // of one call
	GiveUp      time.Duration // age at which a delivery becomes a dead letter
	MaxPause    time.Duration // maximum of a pause that the vendor asks for
	Then        Then
	Unknown     Unknown
	Concurrency int     // concurrent calls
	Rate        float64 // calls per second, 0 means no limit
}

// Conversations are the settings that all conversations share.
type Conversations struct {
	Owner      string         // default owner of customer channels
	History    int            // messages that a new owner gets, at most state.MaxHistory
	CloseAfter time.Duration  // time without messages after which a conversation is closed
	Bounces    int            // handovers in an hour after which rules no longer move control; 0 means no limit
	Zone       *time.Location // of now.hour, now.weekday and now.date
	Language   string         // attribute that has the language of notices
}

// Limits bound the load that callers can cause.
type Limits struct {
	OpenedPerMinute int           // conversations opened per channel and minute, 0 means no limit
	QueueAge        time.Duration // bound of the wait for a free call of a channel that works, 0 means no limit
}

// RefuseAfter returns the time that the oldest message may wait for a free call before new messages are refused. It is
// half of QueueAge: if messages arrive at most twice as fast as they are delivered, the newest message waits at most
// twice as long as the oldest one.
func (l Limits) RefuseAfter() time.Duration { return l.QueueAge / 2 }

// Media bounds the stored images, audio, video and files.
type Media struct {
	MaxSize   ByteSize      // of one medium
	TotalSize ByteSize      // of all media
	Keep      time.Duration // after it was read
}

// Shutdown configures the stop of the gateway.
type Shutdown struct {
	Delay time.Duration // from the time at which /readyz fails until the listeners close
}

// Log configures logging.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // auto, text, json
}

// Format prints only the name of the file, for every verb, so that no output contains secrets.
func (c Config) Format(w fmt.State, _ rune) {
	file := "no file"
	if c.root != nil {
		file = c.root.at.File
	}
	fmt.Fprintf(w, "configuration of %s", file)
}

// Channel returns the channel of that name.
func (c *Config) Channel(name string) (*Channel, bool) {
	for i := range c.Channels {
		if c.Channels[i].Name == name {
			return &c.Channels[i], true
		}
	}
	return nil, false
}

// Roles returns the role of each channel in the form that package route needs.
func (c *Config) Roles() route.Channels {
	out := make(route.Channels, len(c.Channels))
	for i := range c.Channels {
		out[c.Channels[i].Name] = c.Channels[i].Role
	}
	return out
}
