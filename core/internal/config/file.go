package config

import "time"

// The types in this file describe the YAML file. The tag koanf of a field is its key.

type fileConfig struct {
	knownKeys
	Listen        setting[string]    `koanf:"listen"`
	PublicURL     setting[nonEmpty]  `koanf:"public_url"`
	Proxies       textList           `koanf:"trusted_proxies"`
	Admin         fileAdmin          `koanf:"admin"`
	Store         fileStore          `koanf:"store"`
	Adapters      named[fileAdapter] `koanf:"adapters"`
	Channels      named[fileChannel] `koanf:"channels"`
	Conversations fileConversations  `koanf:"conversations"`
	Limits        fileLimits         `koanf:"limits"`
	Media         fileMedia          `koanf:"media"`
	Routes        items[fileRoute]   `koanf:"routes"`
	Log           fileLog            `koanf:"log"`
	Shutdown      fileShutdown       `koanf:"shutdown"`
}

type fileAdmin struct {
	knownKeys
	Listen setting[string] `koanf:"listen"`
}

type fileStore struct {
	knownKeys
	Dir setting[string]   `koanf:"dir"`
	Cap setting[ByteSize] `koanf:"cap"`
}

type fileAdapter struct {
	knownKeys
	Command setting[string]        `koanf:"command"`
	Args    items[setting[string]] `koanf:"args"`
	Env     items[setting[string]] `koanf:"env"`
}

type fileChannel struct {
	knownKeys
	Adapter    setting[string]   `koanf:"adapter"`
	Role       setting[string]   `koanf:"role"`
	Owner      setting[string]   `koanf:"owner"`
	Title      setting[nonEmpty] `koanf:"title"`
	Hours      fileHours         `koanf:"hours"`
	Overlap    setting[string]   `koanf:"overlap"`
	Path       setting[string]   `koanf:"path"`
	Allow      textList          `koanf:"allow"`
	AllowLinks textList          `koanf:"allow_links"`
	Delivery   fileDelivery      `koanf:"delivery"`
	Settings   rawMapping        `koanf:"settings"`
}

type fileHours struct {
	knownKeys
	Open   textList        `koanf:"open"`
	Zone   setting[string] `koanf:"zone"`
	Closed textList        `koanf:"closed"`
	Days   named[textList] `koanf:"days"` // by date
}

type fileDelivery struct {
	knownKeys
	Timeout     setting[time.Duration] `koanf:"timeout"`
	GiveUp      setting[time.Duration] `koanf:"give_up"`
	MaxPause    setting[time.Duration] `koanf:"max_pause"`
	Then        setting[string]        `koanf:"then"`
	Unknown     setting[string]        `koanf:"unknown"`
	Concurrency setting[int]           `koanf:"concurrency"`
	Rate        setting[float64]       `koanf:"rate"`
}

type fileConversations struct {
	knownKeys
	Owner      setting[string]        `koanf:"owner"`
	History    setting[int]           `koanf:"history"`
	CloseAfter setting[time.Duration] `koanf:"close_after"`
	Fenced     setting[string]        `koanf:"fenced"` // only "drop" exists
	Bounces    setting[int]           `koanf:"bounces"`
	Zone       setting[string]        `koanf:"zone"`
	Language   setting[string]        `koanf:"language"`
}

type fileShutdown struct {
	knownKeys
	Delay setting[time.Duration] `koanf:"delay"`
}

type fileLimits struct {
	knownKeys
	OpenedPerMinute setting[int]           `koanf:"opened_per_minute"`
	QueueAge        setting[time.Duration] `koanf:"queue_age"`
}

type fileMedia struct {
	knownKeys
	MaxSize   setting[ByteSize]      `koanf:"max_size"`
	TotalSize setting[ByteSize]      `koanf:"total_size"`
	Keep      setting[time.Duration] `koanf:"keep"`
}

type fileLog struct {
	knownKeys
	Level  setting[string] `koanf:"level"`
	Format setting[string] `koanf:"format"`
}

type fileRoute struct {
	knownKeys
	Name     setting[string]        `koanf:"name"`
	Event    textList               `koanf:"event"`
	From     textList               `koanf:"from"`
	When     setting[nonEmpty]      `koanf:"when"`
	After    setting[time.Duration] `koanf:"after"`
	Set      named[setting[string]] `koanf:"set"`
	Home     setting[nonEmpty]      `koanf:"home"`
	Pass     setting[nonEmpty]      `koanf:"pass"`
	Offer    fileOffer              `koanf:"offer"`
	Close    setting[onlyTrue]      `koanf:"close"`
	Drop     setting[onlyTrue]      `koanf:"drop"`
	Continue setting[onlyTrue]      `koanf:"continue"`
	Copy     textList               `koanf:"copy"`
	Say      fileSay                `koanf:"say"`
	To       setting[nonEmpty]      `koanf:"to"`
}

// fileOffer has a short form: its targets without the other settings.
type fileOffer struct {
	knownKeys
	To     textList               `koanf:"to"`
	Within setting[time.Duration] `koanf:"within"`
	Else   setting[nonEmpty]      `koanf:"else"`
	Hold   setting[bool]          `koanf:"hold"`
}

type offerFields fileOffer

// fileSay is one text, or a mapping from language tags and "default" to texts.
type fileSay struct {
	node  *node
	texts named[setting[nonEmpty]]
}
