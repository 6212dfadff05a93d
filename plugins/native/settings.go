package main

import (
	"time"

	"patchbay/sdk"
)

const (
	// maxNameBytes limits organization and chatbot, so that both fit into a thread together with a customer's id.
	maxNameBytes = 64
	// maxWindow limits answer_window, the time in which a captured call can be replayed.
	maxWindow = time.Hour
	// defaultWindow is the default of answer_window.
	defaultWindow = 5 * time.Minute
)

// farEnd is the type of the far end of a channel of role bot.
type farEnd string

const (
	farProxy    farEnd = "proxy"    // accepts the documented format
	farPatchbay farEnd = "patchbay" // also accepts Patchbay's additions
)

// settings configures one channel. Each setting applies to some roles only.
type settings struct {
	Organization string     `json:"organization" doc:"Roles customer and bot, required: organization in the messages path, at most 64 bytes."`
	Chatbot      string     `json:"chatbot" doc:"Roles customer and bot, required: chatbot name in the messages path, at most 64 bytes."`
	AccessToken  sdk.Secret `json:"access_token" doc:"Roles customer and bot, required: accessToken of a message, which role customer compares and role bot sends."`

	ReplyURL    string     `json:"reply_url" patchbay:"vendor-address" doc:"Roles customer and observer, required: URL that replies or copies are posted to."`
	ReplyToken  sdk.Secret `json:"reply_token" doc:"Roles customer and observer: bearer token that is sent with replies or copies. Empty sends none."`
	ReplySecret sdk.Secret `json:"reply_secret" doc:"Roles customer and observer: Standard Webhooks secret (whsec_…) for signing replies or copies. While you replace it, write the new and the previous secret, separated by a space."`

	BaseURL      string        `json:"base_url" patchbay:"vendor-address" doc:"Role bot, required: the far end's URL without /mp/webhooks/native/messages/."`
	FarEnd       farEnd        `json:"far_end" patchbay:"default=proxy,enum=proxy|patchbay" doc:"Role bot: type of the far end. Only patchbay gets messageId, sentAt, media and events."`
	TargetAgents []string      `json:"target_agents" doc:"Role bot: default of a message's targetAgents."`
	TextBytes    int           `json:"text_bytes" patchbay:"default=0" doc:"Role bot: maximum size of userSay in bytes of UTF-8. Longer texts are split. 0 means no limit; with far_end patchbay it means 65536."`
	AnswerToken  sdk.Secret    `json:"answer_token" doc:"Role bot: bearer token that replies must have. Empty requires none."`
	AnswerSecret sdk.Secret    `json:"answer_secret" doc:"Role bot: Standard Webhooks secrets (whsec_…) of replies, separated by spaces. A reply must be signed with one of them. Empty requires no signature."`
	AnswerWindow time.Duration `json:"answer_window" patchbay:"default=5m" doc:"Role bot: maximum difference between the timestamp of a signed reply and the gateway's clock, at most 1h."`
}
