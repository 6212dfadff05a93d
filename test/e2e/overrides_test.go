package e2e

import (
	"strings"
	"testing"

	"patchbay/test/harness"
)

// TestRulesOverrideTheAgentsSettings: what a rule sets goes along as conversation_config.
func TestRulesOverrideTheAgentsSettings(t *testing.T) {
	t.Parallel()
	s := newScene(t, harness.Vendors{}, harness.Config{Routes: `
  - name: gold
    from: customer
    when: mentions(["gold"])
    set: {botwebhook_short_term_memory: "false", botwebhook_custom_variables_tier: gold, botwebhook_knowledge_data_ids: none}
    continue: true
`})
	s.says(t, "ann", "hello")
	if body := string(s.asked(t, "hello").Body); strings.Contains(body, "conversation_config") {
		t.Errorf("nobody overrides anything, but the agent is asked %s", body)
	}
	s.says(t, "ann", "gold")
	s.says(t, "ann", "and now?")
	for _, question := range []string{"gold", "and now?"} {
		want := `"conversation_config":{"short_term_memory":false,"knowledge":{"data_ids":[]},"custom_variables":{"tier":"gold"}}`
		if body := string(s.asked(t, question).Body); !strings.Contains(body, want) {
			t.Errorf("the agent is asked %s; want %s", body, want)
		}
	}
	s.content(t)
}
