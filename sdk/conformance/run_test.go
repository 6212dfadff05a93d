package conformance

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

func TestAdapterWithoutFlawsPassesEveryCheck(t *testing.T) {
	t.Parallel()
	o := flawed("", "", nil)
	o.Messages = 4000
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.Print(&text); err != nil {
		t.Fatal(err)
	}
	if report.Status != Pass {
		t.Error(text.String())
	}
	passed := map[string]bool{"open.unable": true} // see TestAdapterThatDoesNotOpenPasses
	for _, ch := range report.Channels {
		for _, g := range ch.Groups {
			for _, c := range g.Checks {
				passed[c.ID] = passed[c.ID] || c.Status == Pass
			}
		}
	}
	for id, ok := range passed {
		if !ok {
			t.Errorf("check %s applies to no channel of the flawed adapter", id)
		}
	}
}

func TestAdapterThatDoesNotOpenPasses(t *testing.T) {
	t.Parallel()
	w := onReply(cannotOpen)
	change := w.changeReply
	w.changeReply = func(reply any) {
		change(reply)
		if r, ok := reply.(*pluginpb.DeliverResponse); ok {
			for _, result := range r.GetResults() {
				result.Error = &pluginpb.Error{Kind: "unsupported"}
			}
		}
	}
	report, err := Run(t.Context(), flawed("", "bot", w, "open"))
	if err != nil || report.Status != Pass {
		t.Errorf("%v %v", report, err)
	}
}

func TestEveryCheckHasAFunctionAndAFlaw(t *testing.T) {
	known := map[string]bool{}
	for _, g := range groups {
		for _, c := range g.Checks {
			id := g.Name + "." + c.ID
			known[id] = true
			if checks[id] == nil {
				t.Errorf("check %s has no function", id)
			}
			if _, ok := needs[c.Needs]; !ok {
				t.Errorf("check %s needs %q, which is unknown", id, c.Needs)
			}
			if c.Title == "" || c.Todo == "" {
				t.Errorf("check %s has no title, or does not say what to do", id)
			}
			if id != "wire.foreign" && !slices.ContainsFunc(flawCases, func(f struct {
				name, channel, check string
				wire                 *wire
			}) bool {
				return f.check == id
			}) {
				t.Errorf("no flaw fails check %s", id)
			}
		}
	}
	for id := range checks {
		if !known[id] {
			t.Errorf("check %s is not in checks.yaml", id)
		}
	}
}

// The check wire.foreign must find an adapter that requires no client certificate.
func TestForeignClientsAreFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/channel.yaml", []byte("role: bot"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), Options{
		Command: os.Args[0], Env: []string{openSocketEnv + "=1"}, Data: dir, Only: []string{"wire"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := failedIDs(report); !slices.Equal(got, []string{"wire.foreign"}) {
		t.Errorf("failed checks %q, want wire.foreign", got)
	}
}

func TestReportWithoutPassedChecksHasReasons(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"role: bot\nsettings: {tokn: a}": "the channel is not configured (",
		"role: observer":                 "the channel is not configured (",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(dir+"/channel.yaml", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := flawed("", "", nil, "in", "out")
		o.Data = dir
		report, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		var printed strings.Builder
		if err := report.Print(&printed); err != nil {
			t.Fatal(err)
		}
		if report.Status != NotApplicable || !strings.Contains(printed.String(), want) {
			t.Errorf("%s: status %s, want n/a with %q:\n%s", text, report.Status, want, printed.String())
		}
	}
}

// A dead stream must fail immediately. Otherwise each call would wait for its timeout.
func TestDeadStreamsFailWithinSeconds(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*wire{"ended": {replaceRecv: endStream}, "silent": {replaceRecv: dropResults}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			report, err := Run(t.Context(), flawed("", "bot", w))
			if err != nil {
				t.Fatal(err)
			}
			if got := failedIDs(report); !slices.Equal(got, []string{"wire.results"}) {
				t.Errorf("failed checks %q, want wire.results", got)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestSuitesThatCannotRun(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    Options
		want string
	}{
		{"no data", Options{Command: os.Args[0], Data: t.TempDir()}, "no test data in"},
		{"no program", Options{Command: "/nowhere/at-all", Data: "testdata/flawed/bot"}, "no such file"},
		{"not an adapter", Options{Command: "/bin/true", Data: "testdata/flawed/bot"},
			"before it printed the line of its handshake"},
		{"another handshake", Options{Command: "/bin/echo", Args: []string{"hello"}, Data: "testdata/flawed/bot"},
			`is "hello": print`},
		{"unknown check", flawed("", "", nil, "nonsense"),
			`"nonsense"; the groups are describe`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Run(t.Context(), tc.o)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
			if errors.Is(err, ErrUnknownCheck) != (tc.name == "unknown check") {
				t.Errorf("error %v is, or is not, %v", err, ErrUnknownCheck)
			}
		})
	}
}

// failedIDs returns the ids of all checks that failed, sorted.
func failedIDs(r *Report) []string {
	failed := map[string]bool{}
	for _, ch := range r.Channels {
		for _, g := range ch.Groups {
			for _, c := range g.Checks {
				if c.Status == Fail {
					failed[c.ID] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(failed))
}
