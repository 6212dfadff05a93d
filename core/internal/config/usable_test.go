package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidPartsOfAnInvalidFileAreUsable(t *testing.T) {
	const good = "adapter: bot, role: bot, settings: {base_url: x, api_key: y}"
	for _, tc := range []struct {
		name, channel string
		want          Usability
		settings      []string // paths of the problems of CheckSettings
	}{
		{"valid", "{" + good + "}", UsableChannel, nil},
		{"problems in keys of the gateway", "{owner: nobody, delivery: {then: stop}, " + good + "}", UsableChannel, nil},
		{"mistyped setting", "{adapter: bot, role: bot, settings: {base_ulr: x, api_key: y}}", UsableChannel, []string{
			"channels.faq.settings.base_url", "channels.faq.settings.base_ulr"}},
		{"wrong role", "{adapter: bot, role: robot, settings: {base_url: x, api_key: y, more: z}}", UsableSettings, []string{
			"channels.faq.settings.more"}},
		{"wrong network", "{allow: 8.8.8.8/32, " + good + "}", UsableSettings, nil},
		{"wrong network for links", "{allow_links: 8.8.8.8/32, " + good + "}", UsableSettings, nil},
		{"unresolved reference", "{adapter: bot, role: bot, settings: {base_url: x, api_key: \"${env:NONE}\", port: \"${env:NONE}\", more: z}}", UsableSettings,
			[]string{"channels.faq.settings.more"}},
		{"settings that are a list", "{adapter: bot, role: bot, settings: [a]}", UsableSettings, nil},
		{"unknown key in addition to settings", "{hours: always, " + good + "}", UsableChannel, nil},
		{"settings under a mistyped key", "{adapter: bot, role: bot, setings: {base_url: x}}", Unusable, nil},
		{"unknown adapter", "{adapter: bto, role: bot, settings: {}}", Unusable, nil},
		{"adapter without a command", "{adapter: none, role: bot, settings: {}}", Unusable, nil},
		{"adapter with an invalid environment", "{adapter: poor, role: bot, settings: {}}", Unusable, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Load(Options{Path: "m.yaml", Environ: testEnviron, Data: []byte("adapters:\n  bot: {command: bin/bot}\n" +
				"  none: {}\n  poor: {command: bin/poor, env: [\"A=${env:NONE}\"]}\nchannels:\n  faq: " + tc.channel + "\n")})
			if err == nil || c == nil {
				t.Fatalf("Load = %v, %v; want a configuration in addition to the problems", c, err)
			}
			if got := c.Usable("faq"); got != tc.want {
				t.Errorf("usable = %d, want %d\n%v", got, tc.want, err)
			}
			if tc.want == Unusable {
				return
			}
			var got []string
			for _, p := range c.CheckSettings("faq", []byte(testSchema)) {
				got = append(got, p.Path)
			}
			if diff := cmp.Diff(tc.settings, got); diff != "" {
				t.Errorf("settings (-want +got)\n%s", diff)
			}
		})
	}
}

func TestNoConfigurationIsLoadedFromInvalidYAML(t *testing.T) {
	if c, err := Load(Options{Path: "m.yaml", Data: []byte("a: [")}); c != nil || err == nil {
		t.Errorf("Load = %v, %v", c, err)
	}
}
