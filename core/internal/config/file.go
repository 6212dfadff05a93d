package config

import "time"

// The types of this file are the form of the YAML file: what keys there are and what they hold. The tag
// "later" names keys that are known and not supported yet, "hint" what to use instead of a key that people try.

type fileConfig struct {
	Listen        string                 `koanf:"listen"`
	PublicURL     filled                 `koanf:"public_url"`
	Admin         fileAdmin              `koanf:"admin"`
	Store         fileStore              `koanf:"store"`
	Adapters      map[string]fileAdapter `koanf:"adapters"`
	Channels      map[string]fileChannel `koanf:"channels"`
	Conversations fileConversations      `koanf:"conversations"`
	Limits        fileLimits             `koanf:"limits"`
	Media         fileMedia              `koanf:"media"`
	Routes        []fileRoute            `koanf:"routes"`
	Log           fileLog                `koanf:"log"`
}

type fileAdmin struct {
	Listen string `koanf:"listen"`
}

type fileStore struct {
	Dir string   `koanf:"dir"`
	Cap ByteSize `koanf:"cap"`
}

type fileAdapter struct {
	Command string   `koanf:"command"`
	Args    []string `koanf:"args"`
	Env     []string `koanf:"env"`
}

type fileChannel struct {
	Adapter    string       `koanf:"adapter"`
	Role       string       `koanf:"role"`
	Owner      string       `koanf:"owner"`
	Path       string       `koanf:"path"`
	Allow      words        `koanf:"allow"`
	AllowLinks words        `koanf:"allow_links"`
	Delivery   fileDelivery `koanf:"delivery"`
	Settings   free         `koanf:"settings"`
}

type fileDelivery struct {
	Timeout     time.Duration `koanf:"timeout"`
	GiveUp      time.Duration `koanf:"give_up"`
	Then        string        `koanf:"then"`
	Unknown     string        `koanf:"unknown"`
	Concurrency int           `koanf:"concurrency"`
	Rate        float64       `koanf:"rate"`
}

type fileConversations struct {
	Owner      string        `koanf:"owner"`
	History    int           `koanf:"history"`
	CloseAfter time.Duration `koanf:"close_after"`
	Stale      string        `koanf:"stale"`
	Bounces    int           `koanf:"bounces"`
}

type fileLimits struct {
	OpenedPerMinute int `koanf:"opened_per_minute"`
}

type fileMedia struct {
	MaxSize   ByteSize      `koanf:"max_size"`
	TotalSize ByteSize      `koanf:"total_size"`
	Keep      time.Duration `koanf:"keep"`
}

type fileLog struct {
	Level  string `koanf:"level"`
	Format string `koanf:"format"`
}

type fileRoute struct {
	Name     string            `koanf:"name"`
	Event    words             `koanf:"event"`
	From     words             `koanf:"from"`
	When     filled            `koanf:"when"`
	Set      map[string]string `koanf:"set"`
	Home     filled            `koanf:"home"`
	Pass     filled            `koanf:"pass"`
	Offer    *fileOffer        `koanf:"offer"`
	Close    onlyTrue          `koanf:"close"`
	Drop     onlyTrue          `koanf:"drop"`
	Continue onlyTrue          `koanf:"continue"`
	Copy     words             `koanf:"copy"`
	Say      filled            `koanf:"say"`
	To       filled            `koanf:"to"`
}

type fileOffer struct {
	To     words          `koanf:"to"`
	Within *time.Duration `koanf:"within"`
	Else   filled         `koanf:"else"`
	Hold   *bool          `koanf:"hold"`
}

type (
	words    []string       // one text or a list of them
	filled   string         // a text that must not be empty where the key is present
	onlyTrue bool           // true; to say no, leave the key out
	free     map[string]any // an adapter's own settings; never decoded here
)

// later are keys that are known and not supported yet, by the path of their mapping without names and numbers.
var later = map[string][]string{
	"":              {"nats", "trusted_proxies", "tls", "telemetry", "retention"},
	"admin":         {"token", "tls"},
	"adapters.*":    {"checksum", "sha256", "limits"},
	"channels.*":    {"hours"},
	"routes.*":      {"after"},
	"conversations": {"undelivered"},
}

// hints say what to use instead of keys that people try.
var hints = map[string]map[string]string{
	"routes.*": {"on": "event", "true": "event", "if": "when", "condition": "when", "target": "pass", "events": "event"},
	"":         {"rules": "routes", "routing": "routes", "plugins": "adapters", "logging": "log"},
}
