package main

import (
	"time"

	"patchbay/sdk"
)

// Values of settings.
const (
	authBearer = "bearer"
	authBasic  = "basic"
	authNone   = "none"

	modeWebhook   = "webhook"
	modeBlocking  = "blocking"
	modeStreaming = "streaming"

	apiV2 = "v2"
	apiV1 = "v1"

	mediaLink   = "link"
	mediaBase64 = "base64"
)

// settings is one channel: an agent (role bot) or an agent's human hand-off (role customer). Those without a role in
// front of their meaning count for both.
type settings struct {
	BaseURL      string     `json:"base_url" patchbay:"required,vendor-address" doc:"API of the agent's region, such as https://api-sg.gptbots.ai (-th, -jp, or a white-label host); may have a path"`
	APIKey       sdk.Secret `json:"api_key" patchbay:"required" doc:"the agent's API key, sent as a bearer token"`
	WebhookToken sdk.Secret `json:"webhook_token" doc:"token that webhook calls must carry in Authorization; without it anybody who knows the path can speak"`
	Auth         string     `json:"auth" patchbay:"enum=bearer|basic|none" doc:"scheme that webhook calls must use; absent: bearer or basic if there is a webhook_token, else none, with a warning"`

	Mode       string         `json:"mode" patchbay:"default=webhook,enum=webhook|blocking|streaming" doc:"bot: how answers come; only with webhook can people at the vendor take over"`
	API        string         `json:"api" patchbay:"default=v2,enum=v2|v1" doc:"bot: version of the vendor's Send message; v1 for agents that know no other"`
	Media      string         `json:"media" patchbay:"default=link,enum=link|base64" doc:"bot: whether the vendor fetches media by their links, or gets their bytes"`
	MediaBytes int64          `json:"media_bytes" patchbay:"default=10485760" doc:"bot: the most that one medium may have; what the vendor takes depends on the agent"`
	Threads    sdk.ThreadMode `json:"threads" patchbay:"default=per_epoch,enum=per_epoch|per_conversation" doc:"bot: a new conversation at the vendor each time the bot gets control, or one for all"`

	ShortTermMemory *bool             `json:"short_term_memory" doc:"bot: whether the agent uses its short-term memory; absent: as the agent is set up"`
	LongTermMemory  *bool             `json:"long_term_memory" doc:"bot: the same for its long-term memory"`
	Knowledge       *knowledge        `json:"knowledge" doc:"bot: which knowledge the agent uses; absent: as the agent is set up"`
	CustomVariables map[string]string `json:"custom_variables" doc:"bot: values of the agent's custom variables, v2 only"`
	CornerCitation  *bool             `json:"corner_citation" doc:"bot: whether answers cite by corner marks, v2 only; absent: as the agent is set up"`

	SendKey      bool          `json:"send_key" patchbay:"default=true" doc:"customer: whether replies and closes carry the API key"`
	WaitingLimit time.Duration `json:"waiting_limit" patchbay:"default=60s" doc:"customer: how long the vendor waits for the first reply, as set up there; told to rules and people, not enforced"`
}

// knowledge chooses among an agent's knowledge. A list that is there and empty chooses nothing; an absent one leaves the
// choice to the agent.
type knowledge struct {
	DataIDs  []string `json:"data_ids,omitzero" doc:"bot: ids of the documents that the agent uses; empty: none; absent: as the agent is set up"`
	GroupIDs []string `json:"group_ids,omitzero" doc:"bot: the same for groups of documents, v2 only"`
}

// replies reports whether answers come with the call itself.
func (s *settings) replies() bool { return s.Mode == modeBlocking || s.Mode == modeStreaming }
