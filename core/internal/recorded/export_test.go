package recorded

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/journal"
	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol"
)

// exporter exports the records that a test adds.
type exporter struct {
	*testing.T
	Export
	seq uint64
}

func newExporter(t *testing.T) *exporter {
	table, problems := route.Compile(nil, route.Channels{"web": envelope.RoleCustomer, "faq": envelope.RoleBot})
	if table == nil {
		t.Fatal(problems)
	}
	return &exporter{T: t, Export: Export{Conversation: "c", Rules: table}}
}

// record adds a record with changes of the conversation. Its time is one second after the previous record.
func (x *exporter) record(r *journal.Record, changes ...any) {
	x.seq++
	r.At = time.Unix(int64(x.seq), 0).UnixNano()
	for _, kind := range changes {
		ch := &journal.Change{Conversation: x.Conversation}
		journal.SetKind(ch, kind)
		r.Changes = append(r.Changes, ch)
	}
	x.Record(x.seq, r)
}

// message adds a record with a message of the customer. The first one opens the conversation.
func (x *exporter) message(r *journal.Record) {
	x.Helper()
	data, err := protocol.EncodeEnvelope(&envelope.Envelope{
		Channel: "web", Thread: "t", Kind: envelope.KindMessage, Parts: []envelope.Part{envelope.TextPart("Hello")},
	})
	if err != nil {
		x.Fatal(err)
	}
	r.Envelopes = []*journal.StoredEnvelope{{Envelope: data}}
	var changes []any
	if x.seq == 0 {
		changes = append(changes, &journal.Change_Opened{Opened: &journal.Opened{Channel: "web", Thread: "t", Owner: "faq"}})
	}
	x.record(r, append(changes, &journal.Change_Accepted{Accepted: &journal.Accepted{
		Position: &journal.Position{Seq: x.seq + 1}, Channel: "web", Thread: "t",
	}})...)
}

func TestExportNamesWhatItDoesNotRepeat(t *testing.T) {
	queued := &journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{Id: "d", Channel: "faq"}}}
	for name, tc := range map[string]struct {
		act  func(*exporter)
		want string
	}{
		"nothing": {func(x *exporter) { x.message(&journal.Record{Lease: 1, Revision: 1}) }, ""},
		"restart": {func(x *exporter) { x.message(&journal.Record{Lease: 2, Revision: 2}) }, "a restart of the gateway"},
		"reload":  {func(x *exporter) { x.message(&journal.Record{Lease: 1, Revision: 2}) }, "a change of the configuration"},
		"replay": {func(x *exporter) {
			x.record(&journal.Record{Lease: 1, Revision: 1},
				&journal.Change_Commanded{Commanded: &journal.Commanded{Command: "replay"}})
		}, `the command "replay" of an operator`},
		"lost record": {func(x *exporter) {
			x.record(&journal.Record{Lease: 1, Revision: 1}, &journal.Change_Accepted{Accepted: &journal.Accepted{
				Position: &journal.Position{Seq: 99}, Channel: "faq", Thread: "t",
			}})
		}, "a message of faq, whose record is lost"},
		"broken adapter": {func(x *exporter) {
			x.record(&journal.Record{Lease: 1, Revision: 1}, queued, &journal.Change_DeadLettered{
				DeadLettered: &journal.DeadLettered{Delivery: queued.Queued.Delivery, Error: "killed_adapter"},
			})
		}, "the error killed_adapter of a delivery to faq, which is permanent instead"},
		"error without a repetition": {func(x *exporter) {
			x.record(&journal.Record{Lease: 1, Revision: 1}, queued, &journal.Change_DeadLettered{
				DeadLettered: &journal.DeadLettered{Delivery: queued.Queued.Delivery, Error: "unknown"},
			})
		}, "the error unknown of a delivery to faq, which is permanent instead"},
		"error after a repetition": {func(x *exporter) {
			x.record(&journal.Record{Lease: 1, Revision: 1}, queued,
				&journal.Change_Attempted{Attempted: &journal.Attempted{Delivery: "d", Error: "unknown"}},
				&journal.Change_DeadLettered{
					DeadLettered: &journal.DeadLettered{Delivery: queued.Queued.Delivery, Error: "unknown"},
				})
		}, ""},
		"removed channel": {func(x *exporter) {
			x.record(&journal.Record{Lease: 1, Revision: 1}, queued, &journal.Change_DeadLettered{
				DeadLettered: &journal.DeadLettered{Delivery: queued.Queued.Delivery, Error: "unconfigured"},
			})
		}, "the error unconfigured of a delivery to faq"},
		"time of the vendor": {func(x *exporter) {
			x.record(&journal.Record{Lease: 1, Revision: 1}, &journal.Change_Disposed{Disposed: &journal.Disposed{
				Position: &journal.Position{Seq: 1}, Channel: "faq", Status: "fenced", Reason: "sent in an earlier session",
			}})
		}, "the vendor's times, by which an envelope of faq was fenced"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newExporter(t)
			x.message(&journal.Record{Lease: 1, Revision: 1})
			tc.act(x)
			file, err := x.YAML("config.yaml")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(string(file)) {
				if cause, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), OmittedPrefix); ok {
					got = append(got, cause)
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s%s", diff, file)
			}
			if strings.Contains(string(file), "operator:") {
				t.Errorf("the test has a command that no test can have:\n%s", file)
			}
		})
	}
}

func TestExportNeedsTheBeginningOfTheConversation(t *testing.T) {
	x := newExporter(t)
	x.seq = 1
	x.message(&journal.Record{Lease: 1, Revision: 1})
	x.record(&journal.Record{Lease: 1, Revision: 1},
		&journal.Change_Queued{Queued: &journal.Queued{Delivery: &journal.Delivery{Id: "d", Channel: "faq"}}})
	if file, err := x.YAML("config.yaml"); file != nil || err != nil {
		t.Errorf("%v\n%s", err, file)
	}
}
