package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// shown is how many findings a failed test shows.
const shown = 15

// report fails the test if there are findings. The trails of the first ones go into files, which are kept, to look into.
func (v *verdict) report(t *testing.T) {
	t.Helper()
	if len(v.findings) == 0 {
		return
	}
	t.Errorf("%d findings", len(v.findings))
	dir := os.Getenv("PATCHBAY_TRAILS")
	kept := map[string]bool{}
	for _, f := range v.findings[:min(shown, len(v.findings))] {
		t.Errorf("%s: %s", f.user, f.text)
		if dir != "" && f.user != "" && !kept[f.user] {
			kept[f.user] = true
			v.keep(t, filepath.Join(dir, t.Name()+"-"+f.user+".txt"), f.user)
		}
	}
}

// keep writes down what is known of one customer.
func (v *verdict) keep(t *testing.T, path, user string) {
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
		if customer(a.name) == user {
			fmt.Fprintf(f, "%s arrival %s %s\n", a.at.UTC().Format(clock), a.channel, a.name)
		}
	}
	for _, r := range v.replies[user] {
		fmt.Fprintf(f, "%s reply %+v\n", r.at.UTC().Format(clock), r)
	}
}

const clock = "15:04:05.000"
