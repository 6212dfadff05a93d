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

// settings configures one channel: a GPTBots agent (role bot) or its hand-offs to humans (role customer).
type settings struct {
	BaseURL      string     `json:"base_url" patchbay:"required,vendor-address" doc:"API of the agent's region, such as https://api-sg.gptbots.ai (-th, -jp, or a white-label host). May have a path."`
	APIKey       sdk.Secret `json:"api_key" patchbay:"required" doc:"The agent's API key, sent as a bearer token."`
	WebhookToken sdk.Secret `json:"webhook_token" doc:"Token that webhook calls must have in the Authorization header. Without it any caller that knows the path is accepted."`
	Auth         string     `json:"auth" patchbay:"enum=bearer|basic|none" doc:"Scheme of webhook calls. If absent: bearer or basic if webhook_token is set, otherwise none, with a warning."`

	Mode       string         `json:"mode" patchbay:"default=webhook,enum=webhook|blocking|streaming" doc:"Role bot: how answers arrive. Humans at GPTBots can take over only with webhook."`
	API        string         `json:"api" patchbay:"default=v2,enum=v2|v1" doc:"Role bot: version of Send message. v1 is for agents that do not support v2."`
	Media      string         `json:"media" patchbay:"default=link,enum=link|base64" doc:"Role bot: whether GPTBots gets links to media or their bytes."`
	MediaBytes int64          `json:"media_bytes" patchbay:"default=10485760" doc:"Role bot: maximum size of a medium. GPTBots's limit depends on the agent."`
	Threads    sdk.ThreadMode `json:"threads" patchbay:"default=per_epoch,enum=per_epoch|per_conversation" doc:"Role bot: a new GPTBots conversation each time the bot gets control, or one for the whole conversation."`

	ShortTermMemory *bool             `json:"short_term_memory" doc:"Role bot: use the agent's short-term memory. If absent, the agent's setting."`
	LongTermMemory  *bool             `json:"long_term_memory" doc:"Role bot: use the agent's long-term memory. If absent, the agent's setting."`
	Knowledge       *knowledge        `json:"knowledge" doc:"Role bot: the agent's knowledge. If absent, the agent's setting."`
	CustomVariables map[string]string `json:"custom_variables" doc:"Role bot: values of the agent's custom variables. v2 only."`
	CornerCitation  *bool             `json:"corner_citation" doc:"Role bot: corner citations in answers. v2 only. If absent, the agent's setting."`

	SendKey      bool          `json:"send_key" patchbay:"default=true" doc:"Role customer: send the API key with replies and closes."`
	WaitingLimit time.Duration `json:"waiting_limit" patchbay:"default=60s" doc:"Role customer: GPTBots's waiting time for the first reply, as configured there. The envelope's attributes contain it. The adapter does not enforce it."`
}

// knowledge selects an agent's knowledge. An empty list selects nothing; an absent one leaves the agent's setting.
type knowledge struct {
	DataIDs  []string `json:"data_ids,omitzero" doc:"Role bot: ids of the documents that the agent uses. Empty means none. If absent, the agent's setting."`
	GroupIDs []string `json:"group_ids,omitzero" doc:"Role bot: ids of the document groups that the agent uses. v2 only. Otherwise like data_ids."`
}

// repliesInResponse reports whether the answer comes in the response to the call.
func (s *settings) repliesInResponse() bool { return s.Mode == modeBlocking || s.Mode == modeStreaming }
