package conversationtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestParseReportsMistakes compares the problems of each file in testdata with the file's golden copy.
func TestParseReportsMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, problems := Parse(filepath.Base(path), data)
			problems = append(problems, f.CheckNames([]string{"web", "faq", "desk"}, []string{"ask", "left"})...)
			var got strings.Builder
			for _, p := range problems {
				got.WriteString(p.String() + "\n")
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseReadsAllKeys(t *testing.T) {
	f, problems := Parse("dir/shop_test.yaml", []byte(`
zone: Asia/Shanghai
start: 2026-05-01 08:00
tests:
  - name: all keys
    steps:
      - {from: web, text: Hi, parts: [image, file], sender_id: u1, sender_name: Anna, attributes: {native.a: b}}
      - {at: 18:00, customer: bob, from: desk, event: disconnected, reason: gone_home, thread: 2}
      - {after: 10m, channel: desk, calls: declined, reason: busy}
      - operator: pass
        to: home
        expect:
          to: {web: [One, {matches: "T.o", parts: [image], attributes: {a: b}}], faq: []}
          events: {web: passed}
          history: {desk: [a]}
          notices: []
          rules: ask
          owner: desk
          home: faq
          offer: ""
          reason: ask
          message: sent
          closed: ""
          attributes: {tier: gold}
          dead: [desk, {channel: faq, error: permanent}]
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if f.Config != "dir/shop.yaml" {
		t.Errorf("configuration %q", f.Config)
	}
	test := f.Tests[0]
	if want := "2026-05-01T08:00:00+08:00"; test.Start.Format(time.RFC3339) != want {
		t.Errorf("starts at %s, want %s", test.Start.Format(time.RFC3339), want)
	}
	s := test.Steps[0]
	if s.From != "web" || len(s.Parts) != 2 || s.SenderName != "Anna" || s.Customer != DefaultCustomer {
		t.Errorf("step 1 is %+v", s)
	}
	if s := test.Steps[1]; s.Customer != "bob" || s.Thread != 2 || s.At.String() != "18:00" || s.Event != "disconnected" {
		t.Errorf("step 2 is %+v", s)
	}
	e := test.Steps[3].Expect
	if len(e.To["web"]) != 2 || e.To["faq"] == nil || e.Notices == nil || *e.Offer != "" || len(e.Dead) != 2 {
		t.Errorf("expectation is %+v", e)
	}
}

func TestClockFindsTheNextTime(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, zone)
	for text, want := range map[string]string{
		"09:00": "2026-03-02T09:00:00+01:00", "08:59": "2026-03-03T08:59:00+01:00",
		"mon 09:00": "2026-03-02T09:00:00+01:00", "sun 10:00": "2026-03-08T10:00:00+01:00",
		"2026-03-29 12:00": "2026-03-29T12:00:00+02:00", "2026-03-02T12:00:00Z": "2026-03-02T12:00:00Z",
		"2026-03-01 12:00": "passed",
	} {
		c, err := parseClock(text, zone)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := "passed"
		if at, ok := c.Next(monday); ok {
			got = at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// FuzzParse checks that the parser does not panic, and that a file without problems has usable tests.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(files, "../../config_test.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, problems := Parse("x_test.yaml", data)
		file.CheckNames([]string{"web"}, []string{"rule"})
		if len(problems) > 0 {
			return
		}
		if len(file.Tests) == 0 {
			t.Fatal("a file without tests has no problems")
		}
		for i := range file.Tests {
			for j := range file.Tests[i].Steps {
				s := &file.Tests[i].Steps[j]
				if s.Position().Line == 0 || s.Customer == "" {
					t.Fatalf("step %+v", s)
				}
				s.Expect.Compare(&Observed{})
			}
		}
	})
}
