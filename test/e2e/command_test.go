package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"patchbay/sandbox/simulator"
	"patchbay/test/harness"

	"patchbay/sandbox/botwebhook"
)

// TestCommands: what each command says, and the exit codes that scripts rely on.
func TestCommands(t *testing.T) {
	t.Parallel()
	s := newScene(t, harness.Vendors{}, harness.Config{})
	s.says(t, "ann", "hello")
	s.hears(t, "ann", "bot", greeting)
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string // regular expressions
	}{
		"version":           {[]string{"version"}, 0, `^patchbay \S+ \(commit \w+, go1\S+, linux/\w+\)\n$`, `^$`},
		"version flag":      {[]string{"--version"}, 0, `^patchbay \S+\n$`, `^$`},
		"version as JSON":   {[]string{"version", "-o", "json"}, 0, `"commit": "\w+",\n.*"go_version": "go1`, `^$`},
		"help":              {[]string{"--help"}, 0, `(?s)Exit codes: 0 success.*Usage:.*trace `, `^$`},
		"help of a command": {[]string{"trace", "--help"}, 0, `(?s)If something waits, it says why now.*--text`, `^$`},
		"check":             {[]string{"check"}, 0, `config.yaml: ok \(3 adapters, 3 channels, 3 routes\)\n$`, `^$`},
		"no dead letters":   {[]string{"dead", "list"}, 0, `^no dead letters\n$`, `^$`},
		"unknown id":        {[]string{"trace", "nobody"}, 1, `^$`, `^patchbay: nothing in the log .* "nobody"\n$`},
		"no such letter":    {[]string{"dead", "replay", "nothing"}, 1, `^$`, `no dead letter "nothing"; .patchbay dead list. shows them`},
		"no such conversation": {[]string{"conversation", "show", "none"}, 1, `^$`,
			`no live conversation "none"; .patchbay trace. finds ended ones`},
		"no id":             {[]string{"trace"}, 2, `^$`, `Run 'patchbay --help' for usage`},
		"unknown command":   {[]string{"rum"}, 2, `^$`, `unknown command "rum"`},
		"unknown flag":      {[]string{"run", "--fast"}, 2, `^$`, `unknown flag: --fast`},
		"unknown format":    {[]string{"trace", "ann", "-o", "xml"}, 2, `^$`, `--output "xml": use table or json`},
		"bad address":       {[]string{"dead", "list", "--admin", "no port"}, 2, `^$`, `give host:port`},
		"nobody there":      {[]string{"trace", "ann", "--admin", "127.0.0.1:1"}, 69, `^$`, `Is it running\? --admin names another address`},
		"no file":           {[]string{"run", "-c", "/nowhere.yaml"}, 78, `^$`, `^/nowhere.yaml: can't be read: no such file`},
		"no file to check":  {[]string{"check", "-c", "/nowhere.yaml"}, 3, `^$`, `^/nowhere.yaml: can't be read: no such file`},
		"run a second time": {[]string{"run"}, 1, `^$`, `(?m)^patchbay: start: .*: stop it, or use another folder$`},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.Run(t, c.args...)
			if got.Code != c.code || !regexp.MustCompile(c.stdout).MatchString(got.Stdout) ||
				!regexp.MustCompile(c.stderr).MatchString(got.Stderr) {
				t.Errorf("patchbay %s: exit code %d\nstdout: %s\nstderr: %s\nwant %d, %s, %s", strings.Join(c.args, " "), got.Code,
					got.Stdout, got.Stderr, c.code, c.stdout, c.stderr)
			}
		})
	}
	s.says(t, "ann", "still here?")
	s.hears(t, "ann", "bot", "You said: still here?")
}

// TestAddressInUse: an address that is taken is named, with the setting to change.
func TestAddressInUse(t *testing.T) {
	t.Parallel()
	s := newScene(t, harness.Vendors{}, harness.Config{})
	other := append(s.Environment(), "PATCHBAY_STORE__DIR="+filepath.Join(t.TempDir(), "store"))
	got := harness.Run(t, other, "run")
	want := regexp.MustCompile(`(?m)^patchbay: start: listen on 127\.0\.0\.1:\d+: .*address already in use; change .listen. or stop`)
	if got.Code != 1 || !want.MatchString(got.Stderr) {
		t.Errorf("run: exit code %d\n%swant 1 and %s", got.Code, got.Stderr, want)
	}
}

// TestCheckNamesTheSpot: each problem comes with the file, the line and the column, whether it is the core's or an adapter's, and
// nothing is started for it. The ports of the configuration are in use all the while.
func TestCheckNamesTheSpot(t *testing.T) {
	t.Parallel()
	s := newScene(t, harness.Vendors{}, harness.Config{})
	good, err := os.ReadFile(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to string // replaced in the good file
		spot     string // text of the bad file where the problem is
		says     string
	}{
		"owner":    {"owner: faq", "owner: fax", "fax", `channels.livechat.owner: there is no channel "fax" (did you mean "faq"?)`},
		"role":     {"role: bot", "role: robot", "robot", `"robot" is not one of customer, bot, agent, observer (did you mean "bot"?)`},
		"variable": {"owner_role ==", "owner_roll ==", "owner_roll", `undeclared reference to "owner_roll" (did you mean "owner_role"?)`},
		"target":   {"{to: desk", "{to: disk", "disk", `routes[0].offer.to: there is no channel "disk" (did you mean "desk"?)`},
		"key":      {"pass: home", "pass: home\n    on: x", "on: x", `routes[2].on: unknown key (did you mean "event"?)`},
		"section":  {"channels:", "chanels:", "chanels:", `chanels: unknown key (did you mean "channels"?)`},
		"setting":  {"api_key:", "api_kee:", "api_kee:", `channels.faq.settings.api_kee: unknown setting (did you mean "api_key"?)`},
		"secret": {"${env:GPTBOTS_API_KEY}", "${env:NOT_SET}", "${env:NOT_SET}",
			`environment variable NOT_SET is not set or empty; set it, or give a default: ${env:NOT_SET:-default}`},
		"adapter's own": {"mode: signature", "mode: signs", "signs", `channels.desk.settings.verify.mode: `},
		"program": {"bin/aicc", "bin/none", `"` + harness.Binary("none"), `command ` + harness.Binary("none") +
			`: stat ` + harness.Binary("none") + `: no such file or directory; build the adapter or correct the path`},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(string(good), c.from, c.to, 1)
			if name == "program" {
				bad = strings.Replace(string(good), harness.Binary("aicc"), harness.Binary("none"), 1)
			}
			if bad == string(good) {
				t.Fatalf("the file has no %q", c.from)
			}
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			before := bad[:strings.Index(bad, c.spot)]
			want := fmt.Sprintf("%s:%d:%d: ", path, strings.Count(before, "\n")+1, len(before)-strings.LastIndex(before, "\n"))
			for command, code := range map[string]int{"check": 3, "run": 78} {
				environment := append(s.Environment(), "PATCHBAY_STORE__DIR="+filepath.Join(t.TempDir(), "store"))
				got := harness.Run(t, environment, command, "-c", path)
				if got.Code != code || got.Stdout != "" || !lineWith(got.Stderr, want, c.says) {
					t.Errorf("%s: exit code %d, want %d and a line %q … %q:\n%s%s", command, got.Code, code, want, c.says, got.Stdout, got.Stderr)
				}
				for _, secret := range s.Secrets.All() {
					if strings.Contains(got.Stderr, secret) {
						t.Errorf("%s shows a secret:\n%s", command, got.Stderr)
					}
				}
			}
		})
	}
}

func lineWith(text, start, part string) bool {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, start) && strings.Contains(line, part) {
			return true
		}
	}
	return false
}

// TestTrace: every id that an operator may have finds the conversation, and what waits says why.
func TestTrace(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "botwebhook")
	install := func() {
		t.Helper()
		if err := os.Symlink(harness.Binary("botwebhook"), program); err != nil {
			t.Fatal(err)
		}
	}
	install()
	s := newScene(t, harness.Vendors{}, harness.Config{Programs: map[string]string{"botwebhook": program}})
	s.says(t, "ann", "hello")
	s.hears(t, "ann", "bot", greeting)
	s.quiet(t, "ann")
	tr := s.Only(t, "ann")
	ids := map[string]string{
		"customer": "ann", "customer's thread": harness.Organization + "/" + harness.Chatbot + "/ann", "conversation": tr.ID,
		"bot's thread": s.asked(t, "hello").Conversation.ID,
	}
	for _, e := range tr.Entries {
		switch {
		case e.What == "accepted" && e.Role == "customer":
			ids["message"] = e.Envelope
		case e.What == "accepted" && e.Role == "bot":
			ids["bot's message id"] = e.VendorID
		case e.What == "queued" && e.Channel == "livechat":
			ids["delivery"] = e.Delivery
		}
	}
	if len(ids) != 7 {
		t.Fatalf("ids in the trail: %v, want 7 kinds", ids)
	}
	for name, id := range ids {
		t.Run(name, func(t *testing.T) {
			got := s.Run(t, "trace", id)
			if got.Code != 0 || !strings.HasPrefix(got.Stdout, "conversation "+tr.ID+" (live)\n") ||
				!strings.HasSuffix(got.Stdout, "  nothing waits\n") || strings.Contains(got.Stdout, greeting) {
				t.Errorf("trace %s: exit code %d\n%s%s", id, got.Code, got.Stdout, got.Stderr)
			}
		})
	}
	if got := s.Run(t, "trace", "ann", "--text"); !strings.Contains(got.Stdout, greeting) {
		t.Errorf("trace --text does not show what was said:\n%s", got.Stdout)
	}
	var found struct{ Conversations []struct{ ID string } }
	if got := s.Run(t, "trace", "ann", "-o", "json"); json.Unmarshal([]byte(got.Stdout), &found) != nil ||
		len(found.Conversations) != 1 || found.Conversations[0].ID != tr.ID {
		t.Errorf("trace -o json:\n%s", got.Stdout)
	}

	s.says(t, "ann", "I want a human")
	s.waits(t, "ann")
	got := s.Run(t, "conversation", "show", tr.ID)
	if !strings.Contains(got.Stdout, "offered to desk until ") || !strings.Contains(got.Stdout, "held until the offer to desk ends") {
		t.Errorf("what waits with an offer:\n%s%s", got.Stdout, got.Stderr)
	}

	s.Bots.Faults.Add(simulator.Fault{Kind: simulator.Hang, Endpoint: botwebhook.EndpointMessage})
	s.says(t, "ben", "first")
	s.says(t, "ben", "second")
	harness.Eventually(t, harness.Patience, "it is said that ben's message is in flight", func() string {
		got := s.Run(t, "trace", "ben")
		if strings.Contains(got.Stdout, ": in flight\n") && strings.Contains(got.Stdout, "queued behind ") {
			return ""
		}
		return got.Stdout
	})
	if err := os.Remove(program); err != nil { // so that the adapter stays away
		t.Fatal(err)
	}
	s.Plugin(t, "botwebhook").Kill(t)
	harness.Eventually(t, harness.Patience, "it is said that the adapter is away", func() string {
		if got := s.Run(t, "trace", "ben"); !strings.Contains(got.Stdout, "adapter botwebhook is quarantined") {
			return got.Stdout
		}
		return ""
	})
	install()
	if got := s.Run(t, "adapter", "restart", "botwebhook"); got.Code != 0 {
		t.Fatalf("restart: exit code %d\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	s.Bots.Faults.Clear()
	s.hears(t, "ben", "bot", "You said: second")
}
