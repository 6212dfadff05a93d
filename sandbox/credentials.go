package main

// Credentials are what the vendors and the gateway prove themselves with.
type Credentials struct {
	NativeAccessToken   string // NATIVE_ACCESS_TOKEN
	NativeReplyToken    string // NATIVE_REPLY_TOKEN
	GPTBotsAPIKey       string // GPTBOTS_API_KEY
	GPTBotsWebhookToken string // GPTBOTS_WEBHOOK_TOKEN
	AICCAppKey          string // AICC_APP_KEY
	AICCAppSecret       string // AICC_APP_SECRET
	AICCPushKey         string // AICC_PUSH_KEY, 43 letters and digits
}

// CredentialsFrom reads the credentials from the environment. The defaults are those of the
// config.yaml that comes with the gateway: they protect nothing.
func CredentialsFrom(lookup func(string) (string, bool)) Credentials {
	get := func(name, usual string) string {
		if v, ok := lookup(name); ok && v != "" {
			return v
		}
		return usual
	}
	return Credentials{
		NativeAccessToken:   get("NATIVE_ACCESS_TOKEN", "sandbox-native-access-token"),
		NativeReplyToken:    get("NATIVE_REPLY_TOKEN", "sandbox-native-reply-token"),
		GPTBotsAPIKey:       get("GPTBOTS_API_KEY", "sandbox-gptbots-api-key"),
		GPTBotsWebhookToken: get("GPTBOTS_WEBHOOK_TOKEN", "sandbox-gptbots-webhook-token"),
		AICCAppKey:          get("AICC_APP_KEY", "sandbox-aicc-app-key"),
		AICCAppSecret:       get("AICC_APP_SECRET", "sandbox-aicc-app-secret"),
		AICCPushKey:         get("AICC_PUSH_KEY", "sandboxAiccPushKey0123456789abcdefghijklmno"),
	}
}

// Names by which the vendors know the accounts.
const (
	organization = "d8ai"
	chatbot      = "d8ai_chatbot"
	aiccChannel  = "202105284494222653"
	botHook      = "/webhooks/botwebhook/faq"
)
