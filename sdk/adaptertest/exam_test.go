package adaptertest

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pupilData = "testdata/pupil"

// examinePupil runs sections of the exam for a pupil with a flaw, in one role or in all.
func examinePupil(t *testing.T, flaw, role string, sections ...string) *Scorecard {
	t.Helper()
	card, err := Run(t.Context(), Options{
		Command: evil, Env: []string{"EVIL_FLAW=" + flaw}, Data: filepath.Join(pupilData, role), Only: sections, Messages: 8000,
	})
	if err != nil {
		t.Fatal(err)
	}
	return card
}

func TestPupilWithoutFlawsPasses(t *testing.T) {
	t.Parallel()
	card := examinePupil(t, "none", "")
	var text strings.Builder
	if err := card.Print(&text); err != nil {
		t.Fatal(err)
	}
	if card.Status != Pass {
		t.Error(text.String())
	}
	// Each assertion must apply in one role at least, or it shows nothing.
	applied := map[string]bool{}
	for _, ch := range card.Channels {
		if len(ch.Sections) != len(Sections()) {
			t.Errorf("channel %s: %d sections, there are %d", ch.Name, len(ch.Sections), len(Sections()))
		}
		for _, s := range ch.Sections {
			for _, a := range s.Assertions {
				applied[a.ID] = applied[a.ID] || a.Status == Pass
			}
		}
	}
	known := failed()
	for id, ok := range applied {
		if !ok {
			t.Errorf("assertion %s applies to no role of the pupil", id)
		}
		if !known[id] {
			t.Errorf("no flaw fails assertion %s, so nobody knows whether anything does", id)
		}
	}
}

// failed returns the assertions that some flaw fails, of the pupil or on the wire.
func failed() map[string]bool {
	out := map[string]bool{}
	for _, f := range flaws {
		for _, id := range f.want {
			out[id] = true
		}
	}
	for _, w := range wilds {
		for _, id := range w.want {
			out[id] = true
		}
	}
	return out
}

// flaws are what is wrong with the pupil, and exactly the assertions that find it in a section.
var flaws = []struct {
	flaw, role, section string
	want                []string
}{
	{"undescribed", "bot", "describe", []string{
		"describe.identity", "describe.documented", "describe.secrets", "describe.address", "describe.roles",
		"describe.capabilities", "describe.reasons",
	}},
	{"breaks", "bot", "odd", []string{"odd.survives"}},
	{"chokes", "bot", "oversize", []string{"oversize.member"}},
	{"takes-offence", "bot", "faults", []string{"faults.refused", "faults.heals"}},
	{"one-road", "bot", "parallel", []string{"parallel.out", "parallel.in"}},
	{"sulks", "bot", "cancel", []string{"cancel.after"}},
	{"knows-better", "bot", "cancel", []string{"cancel.kind"}},
	{"opens-once", "bot", "open", []string{"open.again"}},
	{"pings", "bot", "open", []string{"open.requests"}},
	{"pings", "bot", "media", []string{"media.requests"}},
	{"misnames-media", "bot", "media", []string{"media.golden"}},
	{"gives-up", "bot", "media", []string{"media.faults"}},
	{"pings", "agent", "listen", []string{"listen.requests"}},
	{"despairs", "agent", "listen", []string{"listen.faults"}},
	{"leaks-threads", "bot", "resources", []string{"resources.goroutines", "resources.threads"}},
	{"lingers", "bot", "exit", []string{"exit.sigterm", "exit.alone"}},
	{"stays", "bot", "exit", []string{"exit.shutdown", "exit.sigterm", "exit.alone", "exit.by-hand"}},
	{"shrugs", "agent", "faults", []string{"faults.refused", "faults.prepare"}},
	{"any-role", "bot", "settings", []string{"settings.role"}},
	{"calls-home", "bot", "settings", []string{"settings.no-network"}},
	{"keeps-settings", "bot", "configure", []string{"configure.applies"}},
	{"drops-calls", "bot", "configure", []string{"configure.in-flight"}},
	{"takes-anything", "bot", "configure", []string{"configure.refuses"}},
	{"odd-endpoint", "bot", "configure", []string{"configure.endpoint"}},
	{"mistranslates", "bot", "in", []string{"in.golden"}},
	{"misdelivers", "bot", "out", []string{"out.requests"}},
	{"overpromises", "bot", "out", []string{"out.coverage", "out.text"}},
	{"indexes", "bot", "odd", []string{"odd.typed"}},
	{"counts-ids", "bot", "duplicates", []string{"duplicates.same", "duplicates.restart"}},
	{"process-ids", "bot", "duplicates", []string{"duplicates.restart"}},
	{"forgets-key", "bot", "duplicates", []string{"duplicates.key"}},
	{"open-door", "bot", "credentials", []string{
		"credentials.missing", "credentials.empty", "credentials.altered", "credentials.doubled",
	}},
	{"glances", "bot", "credentials", []string{"credentials.altered"}},
	{"forbids", "bot", "credentials", []string{
		"credentials.missing", "credentials.empty", "credentials.altered", "credentials.doubled",
	}},
	{"tells-credentials", "bot", "credentials", []string{"credentials.silent"}},
	{"shut-door", "bot", "credentials", []string{"credentials.taken"}},
	{"optional", "signed", "credentials", []string{"credentials.missing"}},
	{"first-of-two", "signed", "credentials", []string{"credentials.doubled"}},
	{"compares-prefix", "signed", "credentials", []string{"credentials.empty", "credentials.altered"}},
	{"any-case", "signed", "credentials", []string{"credentials.altered"}},
	{"looks-at-form", "signed", "credentials", []string{"credentials.altered", "credentials.signature", "credentials.time"}},
	{"timeless", "signed", "credentials", []string{"credentials.time"}},
	{"patient", "signed", "credentials", []string{"credentials.time"}},
	{"looks-back", "signed", "credentials", []string{"credentials.time"}},
	{"punctual", "signed", "credentials", []string{"credentials.taken"}},
	{"knows-host", "signed", "credentials", []string{"credentials.signature"}},
	{"skips-query", "signed", "credentials", []string{"credentials.signature"}},
	{"trims", "signed", "credentials", []string{"credentials.signature"}},
	{"crashes", "bot", "hostile", []string{"hostile.survives"}},
	{"untyped-errors", "bot", "hostile", []string{"hostile.status"}},
	{"careless", "bot", "hostile", []string{"hostile.status"}},
	{"lenient", "bot", "hostile", []string{"hostile.truncated"}},
	{"small", "bot", "oversize", []string{"oversize.padded"}},
	{"strict", "bot", "unknown", []string{"unknown.members", "unknown.values", "unknown.header"}},
	{"gives-up", "bot", "faults", []string{
		"faults.throttled", "faults.server", "faults.timeout", "faults.reset", "faults.unauthorized", "faults.refused",
	}},
	{"never-gives-up", "bot", "faults", []string{"faults.throttled", "faults.server", "faults.unauthorized", "faults.refusal"}},
	{"repeats", "bot", "faults", []string{"faults.once"}},
	{"believes", "bot", "faults", []string{"faults.broken"}},
	{"one-at-a-time", "bot", "parallel", []string{"parallel.out"}},
	{"deaf", "bot", "cancel", []string{"cancel.soon"}},
	{"shapeless", "bot", "refusals", []string{"refusals.template", "refusals.json"}},
	{"own-shape", "bot", "refusals", []string{"refusals.form"}},
	{"opens-nothing", "bot", "open", []string{"open.golden"}},
	{"echoes", "bot", "replies", []string{"replies.sender", "replies.ids"}},
	{"swallows-media", "bot", "media", []string{"media.broken"}},
	{"blind", "bot", "media", []string{"media.attached"}},
	{"loses-cursor", "agent", "listen", []string{"listen.golden"}},
	{"listens-on", "agent", "listen", []string{"listen.again"}},
	{"drains-for-ever", "bot", "drain", []string{"drain.reports"}},
	{"leaks-goroutines", "bot", "resources", []string{"resources.goroutines"}},
	{"leaks-files", "bot", "resources", []string{"resources.descriptors"}},
	{"leaks-processes", "bot", "resources", []string{"resources.descriptors", "resources.children"}},
	{"hoards", "bot", "memory", []string{"memory.flat"}},
	{"remembers-ids", "bot", "memory", []string{"memory.flat"}},
	{"remembers-users", "bot", "memory", []string{"memory.flat"}},
	{"remembers-threads", "bot", "memory", []string{"memory.flat"}},
	{"fills-up", "bot", "memory", []string{"memory.same"}},
	{"caches", "bot", "memory", nil},
	{"leaves-orphans", "bot", "exit", []string{"exit.orphans"}},
	{"silent-by-hand", "bot", "exit", []string{"exit.by-hand"}},
	{"immortal", "bot", "exit", []string{"exit.alone"}},
	{"tells-secrets", "bot", "secrets", []string{
		"secrets.printed", "secrets.errors", "secrets.envelopes", "secrets.metrics",
	}},
}

func TestEachFlawIsFound(t *testing.T) {
	for _, f := range flaws {
		t.Run(f.flaw+" in "+f.section, func(t *testing.T) {
			t.Parallel()
			sections := []string{f.section}
			if f.section == "secrets" {
				sections = []string{"faults", f.section} // which is where errors are made
			}
			card := examinePupil(t, f.flaw, f.role, sections...)
			got := slices.DeleteFunc(card.FailedIDs(), func(id string) bool { return !strings.HasPrefix(id, f.section+".") })
			if d := cmp.Diff(f.want, got); d != "" {
				t.Errorf("assertions that failed (-want +got):\n%s", d)
				_ = card.Print(t.Output())
			}
		})
	}
}

// What an adapter keeps of some conversations is no leak, if exam.yaml says of how many where there are more than the section
// begins with.
func TestBoundedCachesPassIfTheExamKnows(t *testing.T) {
	for _, tc := range []struct {
		name      string
		remembers int
		want      Status
	}{{"not told", 0, Fail}, {"told", 3000, Pass}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			memory := runSection(t, "caches-much", "memory", 8000, func(x *exam) { x.data.Remembers = tc.remembers })
			if memory.Status != tc.want {
				t.Errorf("%s, want %s: %q", memory.Status, tc.want, memory.Assertions[0].Findings)
			}
		})
	}
}

// An adapter of another language does not tell its heap.
func TestMemoryIsMeasuredFromOutside(t *testing.T) {
	for flaw, want := range map[string]Status{"none": Pass, "hoards": Fail} {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			memory := runSection(t, flaw, "memory", 8000, func(x *exam) { x.prog.rpc = &wild{PluginServiceClient: x.prog.rpc, mute: true} })
			if memory.Status != want {
				t.Errorf("%s, want %s: %q", memory.Status, want, memory.Assertions[0].Findings)
			}
		})
	}
}

// runSection examines a pupil with a flaw in one section, after a change of the exam.
func runSection(t *testing.T, flaw, name string, messages int, change func(x *exam)) Section {
	t.Helper()
	o := &Options{Command: evil, Env: []string{"EVIL_FLAW=" + flaw}, Data: pupilData + "/bot", Messages: messages}
	channels, err := loadChannels(o)
	if err != nil {
		t.Fatal(err)
	}
	x, err := newExam(t.Context(), o, channels[0])
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	change(x)
	return x.run(sections[slices.IndexFunc(sections, func(s section) bool { return s.name == name })])
}

func TestEverySectionHasAFlaw(t *testing.T) {
	for _, name := range Sections() {
		if !slices.ContainsFunc(flaws, func(f struct {
			flaw, role, section string
			want                []string
		}) bool {
			return f.section == name
		}) {
			t.Errorf("no flaw fails section %s, so nobody knows whether anything does", name)
		}
	}
}

func TestExamsThatCannotBeHeld(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    Options
		want string
	}{
		{"no data", Options{Command: evil, Data: t.TempDir()}, "no exam data in"},
		{"no program", Options{Command: "/nowhere/at-all", Data: pupilData + "/bot"}, "no such file"},
		{"not an adapter", Options{Command: "/bin/ls", Data: pupilData + "/bot"}, "start the adapter"},
		{"crashes at its start", Options{Command: evil, Env: []string{"EVIL=exit-at-start"}, Data: pupilData + "/bot"},
			"can't find my teapot"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Run(t.Context(), tc.o)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
	if _, err := Run(t.Context(), Options{Command: evil, Data: pupilData, Only: []string{"nonsense"}}); !errors.Is(err,
		ErrUnknownSection) {
		t.Errorf("error %v, want %v", err, ErrUnknownSection)
	}
}
