package docs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"patchbay/test/harness"
)

// minimal is the configuration into which the test merges fragments.
const minimal = `
adapters:
  native: {command: bin/native}
  botwebhook: {command: bin/botwebhook}
  aicc: {command: bin/aicc}
channels:
  livechat:
    adapter: native
    role: customer
    owner: faq
    settings: {organization: acme, chatbot: shop, access_token: token, reply_url: "https://www.example.com/replies"}
  faq:
    adapter: botwebhook
    role: bot
    settings: {base_url: "https://api-sg.gptbots.ai", api_key: key, webhook_token: token}
  desk:
    adapter: aicc
    role: agent
    settings:
      base_url: https://service.besclouds.com
      token_url: https://service.besclouds.com/apigovernance/api/oauth/tokenByAkSk
      app_key: key
      app_secret: secret
      channel_id: "1"
      verify: {mode: bearer, token: token}
`

// unquotedDate matches an unquoted date, which the YAML library would convert to a time.
var unquotedDate = regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b`)

// isFragment reports whether a block is a part of a configuration. All YAML blocks of the adapters' READMEs are parts.
func (b block) isFragment(path string) bool {
	return b.info == "yaml fragment" || b.info == "yaml" && strings.HasPrefix(relativePath(path), "plugins")
}

func TestConfigurationsLoad(t *testing.T) {
	echo := buildExample(t)
	tested := 0
	for _, path := range documents(t) {
		for _, b := range blocks(t, path) {
			if b.info != "yaml" && b.info != "yaml fragment" {
				continue
			}
			tested++
			t.Run(fmt.Sprintf("%s:%d", relativePath(path), b.line), func(t *testing.T) {
				if b.isFragment(path) { // parts that are not shown may use its channels and set its attributes
					check(t, embed(t, b.text), echo, "[unused-channel]", "[unknown-attribute]")
				} else {
					check(t, b.text, echo)
				}
			})
		}
	}
	if tested < 10 {
		t.Errorf("%d configurations in all documents, want at least 10", tested)
	}
}

// embed merges a fragment into the minimal configuration and returns the result. It merges mappings, except settings.
// Other values of the fragment replace those of the minimal configuration.
func embed(t *testing.T, fragment string) string {
	t.Helper()
	var whole, part map[string]any
	if err := yaml.Unmarshal([]byte(minimal), &whole); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(unquotedDate.ReplaceAll([]byte(fragment), []byte(`"$0"`)), &part); err != nil {
		t.Fatal(err)
	}
	merge(whole, part)
	addOtherRules(whole)
	out, err := yaml.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return midnight.ReplaceAllString(string(out), "$1")
}

// midnight matches a date that the YAML library has converted to a time.
var midnight = regexp.MustCompile(`(\d{4}-\d\d-\d\d)T00:00:00Z`)

// addOtherRules appends rules that a fragment does not show: they use each channel, and set the attributes tier and
// order.
func addOtherRules(whole map[string]any) {
	rules, _ := whole["routes"].([]any)
	for i, name := range slices.Sorted(maps.Keys(whole["channels"].(map[string]any))) {
		effect := map[string]string{"observer": "copy", "bot": "pass", "agent": "pass"}[roleOf(whole, name)]
		if effect == "" {
			continue
		}
		rules = append(rules, map[string]any{
			"name": fmt.Sprintf("other-%d", i), "event": "handover_requested", "when": fmt.Sprintf("handovers == %d", i),
			effect: name, "set": map[string]any{"tier": "gold", "order": "42"},
		})
	}
	whole["routes"] = rules
}

func roleOf(whole map[string]any, channel string) string {
	settings, _ := whole["channels"].(map[string]any)[channel].(map[string]any)
	role, _ := settings["role"].(string)
	return role
}

func merge(dst, src map[string]any) {
	for k, v := range src {
		have, ok := dst[k].(map[string]any)
		more, both := v.(map[string]any)
		if ok && both && k != "settings" {
			merge(have, more)
			continue
		}
		dst[k] = v
	}
}

var reference = regexp.MustCompile(`\$\{(env|file):([^}:]+)(:-[^}]*)?\}`)

// check runs `patchbay check` on a configuration, with invented values for its references. It fails the test for
// errors, and for warnings that do not end with one of accepted.
func check(t *testing.T, text, echo string, accepted ...string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, program := range map[string]string{
		"native": harness.Binary("native"), "botwebhook": harness.Binary("botwebhook"), "aicc": harness.Binary("aicc"), "echo": echo,
	} {
		if err := os.Symlink(program, filepath.Join(dir, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	const invented = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG" // 43 characters, as AICC's keys have
	environment := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir()}
	for _, ref := range reference.FindAllStringSubmatch(text, -1) {
		if ref[1] == "env" {
			if ref[3] == "" {
				environment = append(environment, ref[2]+"="+invented)
			}
			continue
		}
		name := filepath.Join(dir, filepath.FromSlash(ref[2]))
		if filepath.IsAbs(ref[2]) {
			text = strings.ReplaceAll(text, ref[2], name)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(invented+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := harness.Run(t, environment, "check", "-c", config)
	refused := r.Code != 0
	for line := range strings.Lines(r.Stderr) {
		isAccepted := func(code string) bool { return strings.HasSuffix(strings.TrimSpace(line), code) }
		refused = refused || strings.HasPrefix(line, "warning:") && !slices.ContainsFunc(accepted, isAccepted)
	}
	if refused {
		t.Errorf("patchbay check ended with %d:\n%s%s\n%s", r.Code, r.Stdout, r.Stderr, text)
	}
}
