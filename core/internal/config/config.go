// Package config loads the gateway's configuration: one YAML file, environment variables above it,
// defaults below it. It reports everything that is wrong at once, each problem with file, line, column,
// what is wrong and what was probably meant; a configuration that loads is complete and consistent.
//
// Secrets are references (${env:NAME}, ${env:NAME:-default}, ${file:path}). Their values reach the
// adapters and nobody else: no error, no problem and no printed form contains them.
package config

import (
	"fmt"
	"net/netip"
	"time"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

// Config is a complete, checked configuration. It is immutable: readers share it without locks.
type Config struct {
	Listen        string // public listener, host:port
	PublicURL     string // under which the outside reaches Listen, without a slash at the end; "" if not set, see BaseURL
	Admin         Admin
	Store         Store
	Adapters      map[string]Adapter
	Channels      []Channel // in file order
	Conversations Conversations
	Limits        Limits
	Media         Media
	Log           Log
	Routes        []route.Rule
	Table         *route.Table // Routes, compiled
	Warnings      []Problem    // what works, but hardly as meant
	Hash          string       // of the file's bytes; 12 hexadecimal characters

	root     *node
	problems []Problem // of a configuration that did not load
}

// Admin is the listener for operators and monitoring.
type Admin struct {
	Listen string // host:port, loopback
}

// Store says where the log is kept.
type Store struct {
	Dir string // absolute, or relative to the working directory if the file's own path is
	Cap ByteSize
}

// Adapter is one plugin program.
type Adapter struct {
	Name    string
	Command string   // a path if it has a slash, else looked up in PATH
	Args    []string // without the program's name
	Env     Env      // NAME=value; the process gets nothing else of the gateway's environment by this
}

// Channel is one configured account of an adapter.
type Channel struct {
	Name    string
	Adapter string
	Role    envelope.Role
	Owner   string // who answers first, customer channels only; filled in from conversations.owner
	Path    string // prefix of its webhook paths, "" or "/x"
	// Allow are the networks that are not public where its vendor may be called, AllowLinks those where links to media
	// may lead that came in on it. Neither widens the other: anybody can send a link.
	Allow      []netip.Prefix
	AllowLinks []netip.Prefix
	Delivery   Delivery
	Settings   Settings
}

// Then says what a lane does after a delivery was given up.
type Then string

// ThenSkip goes on with the lane's next delivery.
const ThenSkip Then = "skip"

// Unknown says what happens to a delivery that may or may not have had its effect.
type Unknown string

// The answers to an unknown outcome.
const (
	UnknownAuto  Unknown = "auto" // what the adapter prefers; retry if it has no preference
	UnknownRetry Unknown = "retry"
	UnknownDead  Unknown = "dead"
)

// Delivery bounds the calls to a channel's vendor.
type Delivery struct {
	Timeout     time.Duration // of one call
	GiveUp      time.Duration // after the first attempt
	Then        Then
	Unknown     Unknown
	Concurrency int     // calls at the same time
	Rate        float64 // calls per second, 0 means no limit
}

// Conversations are the settings that all conversations share.
type Conversations struct {
	Owner      string        // default for customer channels without one
	History    int           // messages that travel with control, at most state.MaxHistory
	CloseAfter time.Duration // silence after which a conversation ends
	Stale      Stale
	Bounces    int // moves of control an hour, 0 means no limit
}

// Stale says what becomes of an answer of a former owner.
type Stale string

// StaleDrop keeps it in the trail only.
const StaleDrop Stale = "drop"

// Limits bound what callers can make the gateway do.
type Limits struct {
	OpenedPerMinute int // conversations opened per channel and minute, 0 means no limit
}

// Media bounds the images, audio, video and files that are kept while they travel.
type Media struct {
	MaxSize   ByteSize      // of one
	TotalSize ByteSize      // of all
	Keep      time.Duration // from when it was read
}

// Log says what is logged and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // auto, text, json
}

// Format prints the name of the file for every verb.
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

// Roles returns the role of each channel, as package route wants them.
func (c *Config) Roles() route.Channels {
	out := make(route.Channels, len(c.Channels))
	for i := range c.Channels {
		out[c.Channels[i].Name] = c.Channels[i].Role
	}
	return out
}
