package plugin

import (
	"strconv"
	"testing"

	"patchbay/sdk/protocol/pluginpb"
)

func TestAdaptersLogIsForwarded(t *testing.T) {
	r := run(t, "bad-log,stray")
	if _, err := r.Configure(r.ctx(), &pluginpb.ChannelConfig{Name: "c"}); err != nil {
		t.Fatal(err)
	}
	rec := r.logs.find(t, "hostile warning", nil)
	if rec["level"] != "WARN" || rec["n"] != "1.5" {
		t.Errorf("record %v", rec)
	}
	r.logs.find(t, "stray output", func(m map[string]string) bool {
		return m["stream"] == "stdout" && m["text"] == "printed by accident"
	})
	r.logs.find(t, "stray output", func(m map[string]string) bool { return m["truncated"] == "true" })
}

func TestFloodOfLogsIsLimited(t *testing.T) {
	r := run(t, "flood")
	r.ready()
	rec := r.logs.find(t, "log lines of the adapter dropped: rate limit", nil)
	if n, err := strconv.Atoi(rec["lines"]); err != nil || n < 1 {
		t.Errorf("record %v", rec)
	}
}
