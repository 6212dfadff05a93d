package e2e

import (
	"strings"
	"testing"

	"patchbay/test/harness"
)

func TestAttributesOfARuleOverrideTheBotsSettings(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, harness.Config{Routes: `
  - name: gold
    from: customer
    when: mentions(["gold"])
    set: {botwebhook_short_term_memory: "false", botwebhook_custom_variables_tier: gold, botwebhook_knowledge_data_ids: none}
    continue: true
`})
	s.say(t, "ann", "hello")
	if body := string(s.botCall(t, "hello").Body); strings.Contains(body, "conversation_config") {
		t.Errorf("call without attributes: %s", body)
	}
	s.say(t, "ann", "gold")
	s.say(t, "ann", "and now?")
	for _, question := range []string{"gold", "and now?"} {
		want := `"conversation_config":{"short_term_memory":false,"knowledge":{"data_ids":[]},"custom_variables":{"tier":"gold"}}`
		if body := string(s.botCall(t, question).Body); !strings.Contains(body, want) {
			t.Errorf("call %s; want %s", body, want)
		}
	}
	s.expectNoProblems(t)
}
