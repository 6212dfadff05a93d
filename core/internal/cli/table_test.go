package cli

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/trail"
)

// TestListsFit checks that lists with the longest names and with long errors fit into the width of a terminal.
func TestListsFit(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	id, name := "019a0000-0000-7000-8000-000000000001", strings.Repeat("n", 63)
	long := "post message: " + strings.Repeat("the vendor refused it ", 10) + strings.Repeat("没有空格的文字", 30)
	var out strings.Builder
	for _, channel := range []string{"faq", name} {
		writeDeadLetters(&out, []trail.DeadLetter{
			{ID: id, Conversation: id, Channel: channel, Kind: "transcript", Error: "transient", Detail: long, Attempts: 12, Messages: 3, DeadAt: at},
			{ID: id, Channel: "faq", Kind: "send", Error: "killed_adapter", Attempts: 1, Messages: 1, DeadAt: at},
		})
		writeWaiting(&out, &admin.WaitingList{Total: 1, Causes: []admin.WaitingCause{
			{Channel: channel, Reason: long, Conversations: 12, Since: at},
		}, Conversations: []admin.WaitingConversation{
			{Conversation: id, Owner: channel, Pending: 10, Wait: trail.Wait{Since: at, Channel: channel, Reason: long}},
		}})
		writeAdapters(&out, []admin.Adapter{
			{Name: channel, State: "quarantined", Overdue: 3, Since: at, Version: "v0.1.0-12-gabcdef0-dirty", PID: 123456, Restarts: 10, LastError: long, NextStart: &at},
		})
		writeTrail(&out, &trail.Conversation{ID: id, Live: true, Entries: []trail.Entry{
			{At: at, Step: "attempt failed", Channel: channel, Detail: long, Delivery: id, Envelope: id, Text: long},
		}})
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestDeadLettersHaveTheirReasonBelow(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var out strings.Builder
	writeDeadLetters(&out, []trail.DeadLetter{
		{ID: "d1", Conversation: "c1", Channel: "faq", Kind: "send", Error: "transient", Detail: "post: 500", Attempts: 12, Messages: 1, DeadAt: at},
		{ID: "d2", Channel: "desk", Kind: "open", Error: "killed_adapter", Attempts: 1, Messages: 3, DeadAt: at},
	})
	want := `ID  GIVEN UP              CHANNEL  KIND
d1  2026-03-04T05:06:07Z  faq      send
  1 message, 12 attempts, conversation c1
  transient: post: 500
d2  2026-03-04T05:06:07Z  desk     open
  3 messages, 1 attempt
  killed_adapter
2 dead letters
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}
