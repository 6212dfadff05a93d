package main

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAttributesOverrideTheBotsSettings(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name       string
		settings   settings
		attributes map[string]string
		want       *chatConfig
		omitted    []string // attributes
	}{
		{name: "nothing"},
		{name: "unrelated attributes", attributes: map[string]string{"tier": "gold", "native.custom_payload": "x", "botwebhook.user_id": "u1",
			"botwebhook": "x", "botwebhook_": "x"}},
		{name: "only settings",
			settings: settings{ShortTermMemory: &no, LongTermMemory: &yes, CornerCitation: &no, Knowledge: &knowledge{DataIDs: []string{}},
				CustomVariables: map[string]string{"a": "b"}},
			want: &chatConfig{ShortTermMemory: &no, LongTermMemory: &yes, CornerCitation: &no, Knowledge: &knowledge{DataIDs: []string{}},
				CustomVariables: map[string]string{"a": "b"}}},
		{name: "knowledge without a choice", settings: settings{Knowledge: &knowledge{}}},
		{name: "attributes have priority over settings",
			settings: settings{ShortTermMemory: &no, Knowledge: &knowledge{DataIDs: []string{"d0"}, GroupIDs: []string{"g0"}}},
			attributes: map[string]string{"botwebhook.short_term_memory": "true", "botwebhook.knowledge.data_ids": " d1 ,d2",
				"botwebhook.corner_citation": "false"},
			want: &chatConfig{ShortTermMemory: &yes, CornerCitation: &no, Knowledge: &knowledge{DataIDs: []string{"d1", "d2"}, GroupIDs: []string{"g0"}}}},
		{name: "underscores have priority over dots",
			attributes: map[string]string{"botwebhook.long_term_memory": "true", "botwebhook_long_term_memory": "false",
				"botwebhook.custom_variables.tier": "silver", "botwebhook_custom_variables_tier": "gold"},
			want: &chatConfig{LongTermMemory: &no, CustomVariables: map[string]string{"tier": "gold"}}},
		{name: "no knowledge", attributes: map[string]string{"botwebhook_knowledge_data_ids": "none", "botwebhook.knowledge.group_ids": ""},
			want: &chatConfig{Knowledge: &knowledge{DataIDs: []string{}, GroupIDs: []string{}}}},
		{name: "invalid values", settings: settings{LongTermMemory: &yes},
			attributes: map[string]string{"botwebhook.short_term_memory": "1", "botwebhook_long_term_memory": "TRUE",
				"botwebhook.corner_citation": "", "botwebhook.knowledge.data_ids": "a,,b", "botwebhook.knowledge.group_ids": "a\nb",
				"botwebhook.custom_variables.": "x", "botwebhook_custom_variables_" + strings.Repeat("n", 257): "x"},
			want: &chatConfig{LongTermMemory: &yes},
			omitted: []string{"botwebhook.short_term_memory", "botwebhook_long_term_memory", "botwebhook.corner_citation",
				"botwebhook.custom_variables.", "botwebhook_custom_variables_n", "botwebhook.knowledge.data_ids", "botwebhook.knowledge.group_ids"}},
		{name: "too many ids", attributes: map[string]string{"botwebhook.knowledge.data_ids": strings.Repeat("a,", 256) + "a"},
			omitted: []string{"botwebhook.knowledge.data_ids"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defaults := maps.Clone(tt.settings.CustomVariables)
			got, omitted := tt.settings.chatConfig(tt.attributes)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(omitted) != len(tt.omitted) {
				t.Fatalf("omitted %q, want %q", omitted, tt.omitted)
			}
			for i, name := range tt.omitted {
				if !strings.HasPrefix(omitted[i], "attribute "+name) {
					t.Errorf("omitted %q, want %q", omitted[i], name)
				}
			}
			if !maps.Equal(defaults, tt.settings.CustomVariables) {
				t.Error("the settings were changed")
			}
		})
	}
}

func TestV1OmitsOverridesOfV2(t *testing.T) {
	yes := true
	c := &chatConfig{ShortTermMemory: &yes, CornerCitation: &yes, Knowledge: &knowledge{DataIDs: []string{"d"}, GroupIDs: []string{"g"}},
		CustomVariables: map[string]string{"a": "b"}}
	given := c.Knowledge
	if omitted := c.removeV2(); len(omitted) != 3 {
		t.Errorf("omitted %q, want three", omitted)
	}
	want := &chatConfig{ShortTermMemory: &yes, Knowledge: &knowledge{DataIDs: []string{"d"}}}
	if diff := cmp.Diff(want, c); diff != "" || given.GroupIDs == nil {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c = &chatConfig{Knowledge: &knowledge{GroupIDs: []string{"g"}}}
	if c.removeV2(); c.Knowledge != nil {
		t.Errorf("knowledge of groups only became %+v", c.Knowledge)
	}
}
