package conformance

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"patchbay/sdk/protocol/pluginpb"
)

// flaws are the flaws of the flawed adapter, or of its wire, each with the check that finds it.
var flaws = []struct {
	name    string
	channel string // of the test data; "" is bot
	check   string
	wire    *wire
}{
	{"no vendor", "", "describe.identity", says(func(d *pluginpb.DescribeResponse) { d.Vendor = "" })},
	{"no schema", "", "describe.schema", says(func(d *pluginpb.DescribeResponse) { d.SettingsSchema = []byte("[]") })},
	{"undocumented", "", "describe.documented", describes(`"description":"Bearer token of calls to the vendor.",`, "")},
	{"open secret", "", "describe.secrets", describes(`"type":"string","x-secret":true`, `"type":"string"`)},
	{"unmarked address", "", "describe.address", describes(`,"x-vendor-address":true`, "")},
	{"no roles", "", "describe.roles", says(func(d *pluginpb.DescribeResponse) { d.Roles = nil })},
	{"flies", "", "describe.abilities", says(func(d *pluginpb.DescribeResponse) { d.Abilities = append(d.Abilities, "fly") })},
	{"odd media type", "", "describe.capabilities",
		says(func(d *pluginpb.DescribeResponse) { d.Capabilities.MediaTypes = []string{"pictures"} })},
	{"unhealthy", "", "describe.health", sick},
	{"unexplained", "", "describe.reasons",
		says(func(d *pluginpb.DescribeResponse) { d.ReasonCodes = map[string]string{"Too Busy": ""} })},
	{"answers nothing", "", "wire.answers", &wire{received: silent}},
	{"ends its streams", "", "wire.answers", &wire{received: ended}},
	{"picky", "", "settings.good", says(func(v *pluginpb.ValidateResponse) {
		v.Problems = append(v.Problems, &pluginpb.Problem{Path: "token", Message: "is not nice"})
	})},
	{"lax about keys", "", "settings.unknown", lax(`"additionalProperties":false,`, "")},
	{"lax about types", "", "settings.types", lax(`"type":"integer"`, `"type":["integer","string","array"]`)},
	{"lax about keys that are required", "", "settings.required", lax(`"required":["base_url","token","api_key"],`, "")},
	{"any-role", "", "settings.role", nil},
	{"calls-home", "", "settings.offline", nil},
	{"refuses its settings", "", "configure.accepts", says(func(c *pluginpb.ConfigureResponse) {
		proto.Reset(c)
		c.Error = &pluginpb.Error{Kind: "invalid", Field: "token"}
	})},
	{"odd threads", "", "configure.endpoint", says(func(c *pluginpb.ConfigureResponse) { c.Threads = "forever" })},
	{"counts endpoints", "", "configure.same", counting()},
	{"takes-anything", "", "configure.refuses", nil},
	{"drops-calls", "", "configure.in-flight", nil},
	{"keeps-settings", "", "configure.applies", nil},
	{"elsewhere", "", "in.reachable", says(func(c *pluginpb.ConfigureResponse) { c.Paths[0].Pattern = "/elsewhere" })},
	{"shouts", "", "in.golden", nil},
	{"wrong-type", "", "out.requests", nil},
	{"misreads-id", "", "out.golden", nil},
	{"overpromises", "", "out.coverage", nil},
	{"short-text", "", "out.text", nil},
	{"ignores pieces", "", "out.pieces", &wire{asked: func(request any) {
		if r, ok := request.(*pluginpb.DeliverRequest); ok && len(r.Calls[0].GetSend().GetAssigned().GetText()) < 200 {
			for _, c := range r.Calls {
				c.GetSend().GetAssigned().Text = ""
			}
		}
	}}},
	{"crashes-on-state", "", "odd.survives", nil},
	{"repeats-state", "", "odd.typed", nil},
	{"says one channel", "", "channels.in", says(func(r *pluginpb.ReceiveResponse) {
		for _, result := range r.GetResults() {
			rename(result.Envelopes, func(e *pluginpb.Envelope) { e.Channel = "bot" })
		}
	})},
	{"one-vendor", "", "channels.out", nil},
	{"any-token", "", "channels.credentials", nil},
	{"toggles-ids", "", "duplicates.same", nil},
	{"process-ids", "", "duplicates.restart", nil},
	{"forgets-key", "", "duplicates.key", nil},
	{"shut-door", "", "credentials.taken", nil},
	{"optional", "", "credentials.missing", nil},
	{"empty-token", "", "credentials.empty", nil},
	{"compares-prefix", "", "credentials.altered", nil},
	{"any-case", "signed", "credentials.altered", nil},
	{"first-of-two", "", "credentials.doubled", nil},
	{"skips-query", "signed", "credentials.signature", nil},
	{"knows-host", "signed", "credentials.signature", nil},
	{"trims", "signed", "credentials.signature", nil},
	{"timeless", "signed", "credentials.time", nil},
	{"patient", "signed", "credentials.time", nil},
	{"looks-back", "signed", "credentials.time", nil},
	{"punctual", "signed", "credentials.taken", nil},
	{"bare-refusal", "", "credentials.shape", nil},
	{"repeats-token", "", "credentials.silent", nil},
	{"crashes", "", "hostile.survives", nil},
	{"untyped-errors", "", "hostile.status", nil},
	{"makes invalid envelopes", "", "hostile.valid", says(func(r *pluginpb.ReceiveResponse) {
		for _, result := range r.GetResults() {
			rename(result.Envelopes, func(e *pluginpb.Envelope) { e.Kind = "nonsense" })
		}
	})},
	{"lenient", "", "hostile.truncated", nil},
	{"small", "", "oversize.padded", nil},
	{"chokes", "", "oversize.member", nil},
	{"strict-members", "", "unknown.members", nil},
	{"strict-types", "", "unknown.values", nil},
	{"strict-query", "", "unknown.header", nil},
	{"gives-up-429", "", "faults.throttled", nil},
	{"gives-up-500", "", "faults.server", nil},
	{"gives-up-timeout", "", "faults.timeout", nil},
	{"gives-up-reset", "", "faults.reset", nil},
	{"gives-up-401", "", "faults.unauthorized", nil},
	{"repeats-400", "", "faults.refusal", nil},
	{"believes", "", "faults.broken", nil},
	{"gives-up-refused", "", "faults.refused", nil},
	{"retries", "", "faults.once", nil},
	{"shrugs", "agent", "faults.prepare", nil},
	{"sulks", "", "faults.heals", nil},
	{"no-guard", "", "guard.private", nil},
	{"reads any link", "", "guard.links", &wire{asked: func(request any) {
		if r, ok := request.(*pluginpb.ConfigureRequest); ok {
			r.Channel.AllowLinks = []string{"127.0.0.0/8"}
		}
	}}},
	{"follows-redirects", "", "guard.redirects", nil},
	{"reads-all", "", "guard.answers", nil},
	{"one-at-a-time", "", "parallel.out", nil},
	{"one-lock", "", "parallel.in", nil},
	{"cancels late", "", "cancel.soon", slowly("/Cancel", 4*time.Second)},
	{"cancel-permanent", "", "cancel.kind", nil},
	{"sulks-after-cancel", "", "cancel.after", nil},
	{"no-status-mark", "", "refusals.template", nil},
	{"unquoted", "", "refusals.json", nil},
	{"own-form", "", "refusals.form", nil},
	{"opens though it can't", "", "open.unable", says(cannotOpen)},
	{"pings", "", "open.requests", nil},
	{"opens-x", "", "open.golden", nil},
	{"opens-once", "", "open.again", nil},
	{"replies-as-customer", "", "replies.sender", nil},
	{"counts-replies", "", "replies.ids", nil},
	{"pings", "", "media.requests", nil},
	{"misnames-media", "", "media.golden", nil},
	{"sends all of a medium", "", "media.limit", fetchLimit(func(limit int64) int64 { return 0 })},
	{"swallows-cut", "", "media.broken", nil},
	{"fetch-permanent", "", "media.faults", nil},
	{"blind", "", "media.attached", nil},
	{"one message for a medium", "", "media.large", fetchLimit(func(limit int64) int64 {
		if limit == 0 {
			return 8 << 20
		}
		return limit
	})},
	{"pings", "agent", "subscribe.requests", nil},
	{"loses-cursor", "agent", "subscribe.golden", nil},
	{"every-third", "agent", "subscribe.again", nil},
	{"despairs", "agent", "subscribe.faults", nil},
	{"drops calls to drain", "", "drain.finishes", &wire{
		before: func(ctx context.Context, request any, rpc pluginpb.PluginServiceClient) {
			if _, ok := request.(*pluginpb.DrainRequest); ok {
				_, _ = rpc.Cancel(ctx, &pluginpb.CancelRequest{Deliver: []uint64{1, 2, 3}})
			}
		},
		after: func(request any) {
			if _, ok := request.(*pluginpb.DrainRequest); ok {
				time.Sleep(time.Second)
			}
		},
	}},
	{"goes on while it drains", "", "drain.refuses", &wire{unary: func(_ context.Context, method string) (bool, error) {
		if strings.HasSuffix(method, "/Drain") {
			time.Sleep(soon + 3*time.Second/2)
			return true, nil
		}
		return false, nil
	}}},
	{"miscounts", "", "drain.reports", says(func(d *pluginpb.DrainResponse) { d.Running = 1 })},
	{"leaks-goroutines", "", "resources.goroutines", nil},
	{"leaks-files", "", "resources.descriptors", nil},
	{"leaks-threads", "", "resources.threads", mute},
	{"leaks-processes", "", "resources.children", nil},
	{"hoards", "", "memory.flat", nil},
	{"hoards", "signed", "memory.flat", mute},
	{"answers twice", "", "memory.works", says(func(r *pluginpb.ReceiveResponse) { r.Results = append(r.Results, r.Results...) })},
	{"fills-up", "", "memory.same", nil},
	{"ignores its gateway", "", "exit.shutdown", ignores("/Shutdown")},
	{"ignores-sigterm", "", "exit.sigterm", nil},
	{"leaves-orphans", "", "exit.orphans", nil},
	{"immortal", "", "exit.alone", nil},
	{"silent-by-hand", "", "exit.by-hand", nil},
	{"logs-token", "", "secrets.printed", nil},
	{"error-key", "", "secrets.errors", nil},
	{"raw-token", "", "secrets.envelopes", nil},
	{"metric-key", "", "secrets.metrics", nil},
	{"logs-text", "", "secrets.text", nil},
}

// rename changes encoded envelopes.
func rename(list [][]byte, change func(*pluginpb.Envelope)) {
	for i, b := range list {
		var e pluginpb.Envelope
		if err := proto.Unmarshal(b, &e); err != nil {
			panic(err)
		}
		change(&e)
		list[i], _ = proto.Marshal(&e)
	}
}

// counting makes a wire on which no endpoint is as the one before.
func counting() *wire {
	n := int64(0)
	return says(func(c *pluginpb.ConfigureResponse) {
		if n++; len(c.GetPaths()) > 0 {
			c.Paths[0].MaxBody += n
		}
	})
}

// fetchLimit makes a wire that changes the limit of media.
func fetchLimit(change func(int64) int64) *wire {
	return &wire{asked: func(request any) {
		if r, ok := request.(*pluginpb.FetchRequest); ok {
			r.MaxBytes = change(r.GetMaxBytes())
		}
	}}
}

func TestEachFlawFailsItsCheckAlone(t *testing.T) {
	for _, f := range flaws {
		t.Run(f.name+" "+f.check, func(t *testing.T) {
			t.Parallel()
			group, _, _ := strings.Cut(f.check, ".")
			channel := f.channel
			if channel == "" {
				channel = "bot"
			}
			report, err := Run(t.Context(), Options{
				Command: flawed, Env: []string{"FLAW=" + f.name}, Data: "testdata/flawed/" + channel, Only: []string{group}, Messages: 6000,
				dial: f.wire.options(),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := report.FailedIDs(); !slices.Equal(got, []string{f.check}) {
				t.Errorf("failed checks %q, want %q alone", got, f.check)
				_ = report.Print(t.Output())
			}
		})
	}
}
