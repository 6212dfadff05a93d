package conversation

import (
	"github.com/google/go-cmp/cmp"
)

func (h *harness) want(what, got, want string) {
	h.Helper()
	if got != want {
		h.Fatalf("%s: got %q, want %q; lanes:\n%s", what, got, want, h.lanes())
	}
}

func (h *harness) wantLines(what string, got []string, want ...string) {
	h.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		h.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

func (h *harness) wantOwner(owner string, epoch uint64) {
	h.Helper()
	if c := h.conv(); c.Owner != owner || c.Epoch != epoch {
		h.Fatalf("owner %s in epoch %d, want %s in epoch %d", c.Owner, c.Epoch, owner, epoch)
	}
}

func (h *harness) queue(channel string) []string {
	var out []string
	for _, d := range queueOf(h.conv(), channel) {
		out = append(out, h.line(&d))
	}
	return out
}
