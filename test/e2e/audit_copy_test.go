package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sandbox/native"
	"patchbay/sandbox/simulator"
	"patchbay/test/harness"
)

// auditRoutes copies messages, handovers and closed conversations. A rule runs at most once for an input, so each kind
// of event has a separate rule.
const auditRoutes = `
  - {name: audit, copy: audit, continue: true}
  - {name: audit-handovers, event: passed, copy: audit, continue: true}
  - {name: audit-ends, event: closed, copy: audit, continue: true}
  - {name: no-spam, from: customer, when: 'mentions(["spam"])', drop: true}
  - {name: bye, from: customer, when: 'text == "bye"', close: true}
` + harness.Routes

// newAudited returns a system with auditRoutes and an observer.
func newAudited(t *testing.T) (*system, *harness.Observer) {
	t.Helper()
	o := harness.NewObserver("audit-token")
	srv := httptest.NewServer(o.Handler())
	t.Cleanup(func() { o.Close(); srv.CloseClientConnections(); srv.Close() })
	s := newSystem(t, harness.Vendors{}, harness.Config{
		Routes: strings.TrimSuffix(auditRoutes, "\n"),
		Define: map[string]string{"audit": fmt.Sprintf(`adapter: native
role: observer
allow: [127.0.0.0/8]
settings: {reply_url: %s/copies, reply_token: audit-token}`, srv.URL)},
	})
	return s, o
}

// expectCopies waits until the observer has len(want) copies, and compares them with want.
func expectCopies(t *testing.T, o *harness.Observer, want ...string) {
	t.Helper()
	_ = o.Copies.Wait(harness.TestContext(t), func(all []harness.Copy) bool { return len(all) >= len(want) })
	var got []string
	for _, c := range o.Copies.All() {
		content := c.Text()
		if c.Envelope.Kind != "message" {
			content = strings.TrimSpace(c.Envelope.Kind + " " + c.Envelope.Attributes["owner"])
		}
		got = append(got, strings.Join(strings.Fields(c.Rule+": "+c.Decision+" "+c.Channel), " ")+": "+content)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("copies (-want +got):\n%s", diff)
	}
}

// An observer that is down affects no customer, bot or agent. When it is up again, it gets all copies in order.
func TestAuditCopyWhileTheObserverIsDown(t *testing.T) {
	t.Parallel()
	s, o := newAudited(t)
	o.Faults.Add(simulator.Fault{Kind: simulator.Status, Status: http.StatusServiceUnavailable})
	s.say(t, "ann", "hello")
	s.expect(t, "ann", "bot", greeting)
	s.say(t, "ann", "this is spam")
	s.connectAgent(t, "ann")
	s.agentSays(t, "ann", "Anything else?")
	s.expect(t, "ann", "agent", "Anything else?")
	s.say(t, "ann", "bye")
	s.expectAnswer(t, "ann", "closed", func(a native.Answer) bool {
		return a.Payload.Event != nil && a.Payload.Event.Type == "closed"
	})
	if n := o.Copies.Len(); n != 0 {
		t.Fatalf("the observer has %d copies while it is down", n)
	}
	if n := s.Metric(t, "patchbay_dead_letters_total", "channel", "audit"); n != 0 {
		t.Errorf("%v copies were given up, want none", n)
	}
	o.Faults.Clear()
	expectCopies(t, o, "audit: sent faq: hello", "audit: sent livechat: "+greeting, "audit: dropped: this is spam",
		"audit: held: I want a human", "audit-handovers:: passed desk", "audit: sent livechat: This is Kim.",
		"audit: sent livechat: Anything else?", "audit: sent desk: bye", "audit-ends:: closed")
	s.expectNoProblems(t)
}

// Trace finds the conversation by the id of the envelope in a copy.
func TestAuditCopyNamesTheMessage(t *testing.T) {
	t.Parallel()
	s, o := newAudited(t)
	s.say(t, "ann", "hello")
	if err := o.Copies.Wait(harness.TestContext(t), func(all []harness.Copy) bool { return len(all) > 0 }); err != nil {
		t.Fatal(err)
	}
	c := o.Copies.All()[0]
	if found := s.TraceOne(t, c.Envelope.ID); found.ID != c.Envelope.Conversation {
		t.Errorf("trace finds conversation %s, the copy has %s", found.ID, c.Envelope.Conversation)
	}
}
