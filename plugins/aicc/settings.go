package main

import (
	"time"

	"patchbay/sdk"
)

// Settings configures one AICC channel.
type Settings struct {
	BaseURL   string     `json:"base_url" patchbay:"required,vendor-address" doc:"Base address of AICC's API, such as https://service.besclouds.com. The adapter appends /apiaccess/ccmessaging/…."`
	TokenURL  string     `json:"token_url" patchbay:"required,vendor-address" doc:"Full URL of tokenByAkSk, such as https://service.besclouds.com/apigovernance/api/oauth/tokenByAkSk. Host and port depend on the deployment."`
	AppKey    string     `json:"app_key" patchbay:"required" doc:"App key from API Fabric."`
	AppSecret sdk.Secret `json:"app_secret" patchbay:"required" doc:"App secret from API Fabric."`
	ChannelID string     `json:"channel_id" patchbay:"required" doc:"Configuration id of the AICC channel. A push carries it in the field from."`
	Locale    string     `json:"locale" patchbay:"default=en_US" doc:"Language of AICC's own texts for the customer, such as zh_CN."`

	TokenLife       time.Duration `json:"token_life" patchbay:"default=1h" doc:"Requested lifetime of an access token (X-Token-Expire), 1m to 1h."`
	Transfer        bool          `json:"transfer" patchbay:"default=false" doc:"Send TRANS2AGENT after CONNECT. Required if CONNECT reaches AICC's robot first."`
	Offline         bool          `json:"offline_messages" patchbay:"default=false" doc:"Send customer messages as offline messages (sendAsync) after a session has expired. After a time-out that allows offline messages, keep the conversation at the desk."`
	SendFailedLimit int           `json:"send_failed_limit" patchbay:"default=3" doc:"Number of the attempt from which \"send failed\" counts as an expired session, which is then reopened. 0 means never. At most 100."`

	MaxFileBytes int64  `json:"max_file_bytes" patchbay:"default=2097152" doc:"Maximum size of a file in bytes, in both directions. AICC's default limit is 2 MiB. At most 5242880."`
	UploadAs     string `json:"upload_media_type" patchbay:"default=plain,enum=plain|file" doc:"plain sends images and videos as IMAGE and VIDEO. file sends them as FILE_IMAGE and FILE_VIDEO, which include the file type."`
	Files        string `json:"files" patchbay:"default=both,enum=both|local|library" doc:"Where to look for an agent's file if the message does not name the store: local (sent from disk), library (media library), or both in this order."`

	Inbound      string        `json:"inbound" patchbay:"default=push,enum=push|poll" doc:"push: AICC sends messages to the gateway. poll: the gateway requests each customer's messages, for gateways that AICC cannot reach."`
	PollInterval time.Duration `json:"poll_interval" patchbay:"default=2s" doc:"Time between two polls of one customer, 200ms to 5m."`
	Verify       Verify        `json:"verify" doc:"How pushes from AICC are authenticated. Not needed with inbound: poll."`
}

// Verify configures the authentication of message pushes.
type Verify struct {
	Mode           string        `json:"mode" patchbay:"enum=signature|bearer" doc:"signature (auth-v2) or bearer (a shared token). Required with inbound: push."`
	AccessKey      string        `json:"access_key" doc:"Access key that a signature must name. Empty accepts any."`
	SecretKey      sdk.Secret    `json:"secret_key" doc:"Message push key from the AICC console. Required with mode: signature."`
	PreviousKey    sdk.Secret    `json:"previous_secret_key" doc:"Previous message push key, also accepted while the key is being replaced."`
	PreviousAccess string        `json:"previous_access_key" doc:"Access key that a signature by previous_secret_key must name. Empty means the same as access_key."`
	Token          sdk.Secret    `json:"token" doc:"Shared token. Required with mode: bearer."`
	PreviousToken  sdk.Secret    `json:"previous_token" doc:"Previous shared token, also accepted while the token is being replaced."`
	Window         time.Duration `json:"window" patchbay:"default=5m" doc:"Maximum difference between a signature's time and the gateway's clock, at most 24h."`
	Host           string        `json:"host" doc:"Host that AICC calls, with its port if AICC signs the port. Needed if a proxy changes the Host header."`
	Path           string        `json:"path" doc:"Path that AICC calls, such as /desk/webhooks/v1/messages. Needed if a proxy changes the path."`
}

// Values of Verify.Mode, Settings.Inbound, UploadAs and Files.
const (
	modeSignature = "signature"
	modeBearer    = "bearer"

	inboundPush = "push"
	inboundPoll = "poll"

	uploadPlain = "plain"
	uploadFile  = "file"

	filesBoth    = "both"
	filesLocal   = "local"
	filesLibrary = "library"
)

// Bounds of settings. A file of maxFileBytes still fits into a response of 8 MiB when base64-encoded.
const (
	minTokenLife    = time.Minute
	maxTokenLife    = time.Hour // AICC's maximum (tokenByAkSk, X-Token-Expire)
	minPollInterval = 200 * time.Millisecond
	maxPollInterval = 5 * time.Minute
	maxFileBytes    = 5 << 20
	maxSendFailed   = 100
)

// maxWindow limits verify.window, the time in which a captured push can be replayed.
const maxWindow = 24 * time.Hour
