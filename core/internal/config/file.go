package config

import "time"

// The types of this file are the form of the YAML file. The tag koanf has the key.

type fileConfig struct {
	place
	Listen        setting[string]    `koanf:"listen"`
	PublicURL     setting[filled]    `koanf:"public_url"`
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
	place
	Listen setting[string] `koanf:"listen"`
}

type fileStore struct {
	place
	Dir setting[string]   `koanf:"dir"`
	Cap setting[ByteSize] `koanf:"cap"`
}

type fileAdapter struct {
	place
	Command setting[string]        `koanf:"command"`
	Args    items[setting[string]] `koanf:"args"`
	Env     items[setting[string]] `koanf:"env"`
}

type fileChannel struct {
	place
	Adapter    setting[string] `koanf:"adapter"`
	Role       setting[string] `koanf:"role"`
	Owner      setting[string] `koanf:"owner"`
	Title      setting[filled] `koanf:"title"`
	Hours      fileHours       `koanf:"hours"`
	Overlap    setting[string] `koanf:"overlap"`
	Path       setting[string] `koanf:"path"`
	Allow      textList        `koanf:"allow"`
	AllowLinks textList        `koanf:"allow_links"`
	Delivery   fileDelivery    `koanf:"delivery"`
	Settings   rawMapping      `koanf:"settings"`
}

type fileHours struct {
	place
	Open   textList        `koanf:"open"`
	Zone   setting[string] `koanf:"zone"`
	Closed textList        `koanf:"closed"`
	Days   named[textList] `koanf:"days"` // by date
}

type fileDelivery struct {
	place
	Timeout     setting[time.Duration] `koanf:"timeout"`
	GiveUp      setting[time.Duration] `koanf:"give_up"`
	MaxPause    setting[time.Duration] `koanf:"max_pause"`
	Then        setting[string]        `koanf:"then"`
	Unknown     setting[string]        `koanf:"unknown"`
	Concurrency setting[int]           `koanf:"concurrency"`
	Rate        setting[float64]       `koanf:"rate"`
}

type fileConversations struct {
	place
	Owner      setting[string]        `koanf:"owner"`
	History    setting[int]           `koanf:"history"`
	CloseAfter setting[time.Duration] `koanf:"close_after"`
	Fenced     setting[string]        `koanf:"fenced"` // only "drop" exists
	Bounces    setting[int]           `koanf:"bounces"`
	Zone       setting[string]        `koanf:"zone"`
	Language   setting[string]        `koanf:"language"`
}

type fileShutdown struct {
	place
	Delay setting[time.Duration] `koanf:"delay"`
}

type fileLimits struct {
	place
	OpenedPerMinute setting[int]           `koanf:"opened_per_minute"`
	QueueAge        setting[time.Duration] `koanf:"queue_age"`
}

type fileMedia struct {
	place
	MaxSize   setting[ByteSize]      `koanf:"max_size"`
	TotalSize setting[ByteSize]      `koanf:"total_size"`
	Keep      setting[time.Duration] `koanf:"keep"`
}

type fileLog struct {
	place
	Level  setting[string] `koanf:"level"`
	Format setting[string] `koanf:"format"`
}

type fileRoute struct {
	place
	Name     setting[string]        `koanf:"name"`
	Event    textList               `koanf:"event"`
	From     textList               `koanf:"from"`
	When     setting[filled]        `koanf:"when"`
	After    setting[time.Duration] `koanf:"after"`
	Set      named[setting[string]] `koanf:"set"`
	Home     setting[filled]        `koanf:"home"`
	Pass     setting[filled]        `koanf:"pass"`
	Offer    fileOffer              `koanf:"offer"`
	Close    setting[onlyTrue]      `koanf:"close"`
	Drop     setting[onlyTrue]      `koanf:"drop"`
	Continue setting[onlyTrue]      `koanf:"continue"`
	Copy     textList               `koanf:"copy"`
	Say      fileSay                `koanf:"say"`
	To       setting[filled]        `koanf:"to"`
}

// fileOffer can be written as its targets alone.
type fileOffer struct {
	place
	To     textList               `koanf:"to"`
	Within setting[time.Duration] `koanf:"within"`
	Else   setting[filled]        `koanf:"else"`
	Hold   setting[bool]          `koanf:"hold"`
}

type offerFields fileOffer

// fileSay is one text, or a mapping from language tags and "default" to texts.
type fileSay struct {
	node  *node
	texts named[setting[filled]]
}
