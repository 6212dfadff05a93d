package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchbay/core/internal/config"
	"patchbay/sdk/protocol/pluginpb"
)

// loadConfig loads a configuration from text.
func loadConfig(t *testing.T, text string) *config.Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestConflictingPathsAreFound(t *testing.T) {
	cfg := loadConfig(t, `
adapters:
  one: {command: /bin/one}
  two: {command: /bin/two}
channels:
  first: {adapter: one, role: customer, owner: second}
  second: {adapter: two, role: bot}
  third: {adapter: two, role: bot}
`)
	endpoint := func(pattern string) *pluginpb.ConfigureResponse {
		return &pluginpb.ConfigureResponse{Paths: []*pluginpb.Path{{Pattern: pattern}}}
	}
	for name, tt := range map[string]struct{ pattern, want string }{
		"the same path": {"/hooks/{id}",
			"channels.second: adapter two receives on /hooks/{id}, which conflicts with /hooks/{id} of adapter one, channel first"},
		"crossed wildcards": {"/{any}/7", "channels.second: adapter two receives on /{any}/7, which conflicts with /hooks/{id} of adapter one, channel first"},
		"malformed":         {"/x/{", "channels.second: adapter two receives on /x/{, which is no valid path"},
		"none":              {"/hooks/7", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := &plugins{endpoints: map[string]*pluginpb.ConfigureResponse{
				"first": endpoint("/hooks/{id}"), "second": endpoint(tt.pattern), "third": endpoint("/media/x"),
			}}
			problems := p.pathConflicts(cfg)
			last := problems[len(problems)-1].String()
			if !strings.Contains(last, "channels.third: adapter two receives on /media/x, which is the path of links") {
				t.Errorf("problem %s", last)
			}
			if tt.want == "" && len(problems) == 1 {
				return
			}
			if len(problems) != 2 || !strings.Contains(problems[0].String(), tt.want) {
				t.Errorf("problems %v, want %s", problems, tt.want)
			}
		})
	}
}
