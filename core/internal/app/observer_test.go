package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/state"
	"patchbay/core/internal/telemetry"
	"patchbay/core/internal/writer"
)

func TestUnroutedEnvelopesAreLogged(t *testing.T) {
	var out bytes.Buffer
	metrics := telemetry.NewMetrics(telemetry.NewRegistry("test"), []string{"desk"}, nil)
	o := newObserver(metrics, slog.New(slog.NewTextHandler(&out, nil)))
	unrouted := func(seq uint64, conv, id, reason string) *journal.Change {
		return &journal.Change{Conversation: conv, Kind: &journal.Change_Disposed{Disposed: &journal.Disposed{
			Position: &journal.Position{Seq: seq}, Status: state.StatusUnrouted, Channel: "desk", Reason: reason, Id: id,
		}}}
	}
	o.Committed(writer.Commit{Seq: 7, Record: &journal.Record{
		Envelopes: []*journal.StoredEnvelope{{Id: "id-1"}},
		Changes: []*journal.Change{
			unrouted(7, "conv-1", "", "no rule for connected"), unrouted(5, "", "id-0", "unknown thread t9"),
		},
	}})
	for _, want := range []string{
		`msg="envelope unrouted" conversation=conv-1 id=id-1 channel=desk reason="no rule for connected"`,
		`msg="envelope unrouted" conversation="" id=id-0 channel=desk reason="unknown thread t9"`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("log output:\n%s\nwant %s", out.String(), want)
		}
	}
	for range 10 {
		again := unrouted(8, "conv-1", "id-8", "x")
		o.Committed(writer.Commit{Seq: 8, Record: &journal.Record{Changes: []*journal.Change{again}}})
	}
	if n := strings.Count(out.String(), "envelope unrouted"); n != repeatedLines {
		t.Errorf("%d lines, want %d", n, repeatedLines)
	}
}
