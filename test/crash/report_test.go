package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// maxShown is the number of findings that a failed test prints.
const maxShown = 15

// report fails the test if there are findings. It writes the trails of the printed findings to PATCHBAY_TRAILS.
func (v *oracle) report(t *testing.T) {
	t.Helper()
	if len(v.findings) == 0 {
		return
	}
	t.Errorf("%d findings", len(v.findings))
	dir := os.Getenv("PATCHBAY_TRAILS")
	written := map[string]bool{}
	for _, f := range v.findings[:min(maxShown, len(v.findings))] {
		t.Errorf("%s: %s", f.user, f.text)
		if dir != "" && f.user != "" && !written[f.user] {
			written[f.user] = true
			v.writeTrail(t, filepath.Join(dir, t.Name()+"-"+f.user+".txt"), f.user)
		}
	}
}

// writeTrail writes the evidence of one customer to a file.
func (v *oracle) writeTrail(t *testing.T, path, user string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	for _, i := range v.incidents {
		fmt.Fprintf(f, "%s incident %s until %s\n", i.from.UTC().Format(clock), i.channel, i.to.UTC().Format(clock))
	}
	for _, trail := range v.trails[user] {
		for _, e := range trail.Entries {
			fmt.Fprintf(f, "%s trail %+v\n", e.At.Format(clock), e)
		}
		fmt.Fprintf(f, "state %+v waiting %+v\n", trail.State, trail.Pending)
	}
	for _, a := range v.arrivals {
		if customerOf(a.name) == user {
			fmt.Fprintf(f, "%s arrival %s %s\n", a.at.UTC().Format(clock), a.channel, a.name)
		}
	}
	for _, r := range v.answerArrivals[user] {
		fmt.Fprintf(f, "%s reply %+v\n", r.at.UTC().Format(clock), r)
	}
}

const clock = "15:04:05.000"
