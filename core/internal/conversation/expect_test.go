package conversation

import (
	"github.com/google/go-cmp/cmp"
)

func (s *stage) want(what, got, want string) {
	s.Helper()
	if got != want {
		s.Fatalf("%s: got %q, want %q; lanes:\n%s", what, got, want, s.lanes())
	}
}

func (s *stage) wantLines(what string, got []string, want ...string) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func (s *stage) wantOwner(owner string, epoch uint64) {
	s.Helper()
	if c := s.conv(); c.Owner != owner || c.Epoch != epoch {
		s.Fatalf("owner %s in epoch %d, want %s in epoch %d", c.Owner, c.Epoch, owner, epoch)
	}
}

func (s *stage) queue(channel string) []string {
	var out []string
	for _, d := range queued(s.conv(), channel) {
		out = append(out, s.line(&d))
	}
	return out
}
