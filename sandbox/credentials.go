package main

// credentials returns a function that reads a credential from the environment. The defaults are those of the config.yaml
// of the repository: they protect nothing.
func credentials(lookup func(string) (string, bool)) func(name string) string {
	defaults := map[string]string{
		"NATIVE_ACCESS_TOKEN":   "sandbox-native-access-token",
		"NATIVE_REPLY_TOKEN":    "sandbox-native-reply-token",
		"GPTBOTS_API_KEY":       "sandbox-gptbots-api-key",
		"GPTBOTS_WEBHOOK_TOKEN": "sandbox-gptbots-webhook-token",
		"AICC_APP_KEY":          "sandbox-aicc-app-key",
		"AICC_APP_SECRET":       "sandbox-aicc-app-secret",
		"AICC_PUSH_KEY":         "sandboxAiccPushKey0123456789abcdefghijklmno",
	}
	return func(name string) string {
		if v, ok := lookup(name); ok && v != "" {
			return v
		}
		return defaults[name]
	}
}
