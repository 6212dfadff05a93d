package conformance

import (
	"bytes"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"patchbay/sdk/protocol/pluginpb"
)

// flawCases lists the flaws of the flawed adapter and of its wire, each with the check that must find it.
var flawCases = []struct {
	name    string
	channel string // channel of the test data; "" means bot
	check   string
	wire    *wire
}{
	{"no vendor", "", "describe.identity", onReply(func(d *pluginpb.DescribeResponse) { d.Vendor = "" })},
	{"no schema", "", "describe.schema", onReply(func(d *pluginpb.DescribeResponse) { d.SettingsSchema = []byte("[]") })},
	{"undocumented", "", "describe.documented", changeSchema(`"description":"Bearer token of calls to the vendor.",`, "")},
	{"open secret", "", "describe.secrets", changeSchema(`"type":"string","x-secret":true`, `"type":"string"`)},
	{"unmarked address", "", "describe.address", changeSchema(`,"x-vendor-address":true`, "")},
	{"no roles", "", "describe.roles", onReply(func(d *pluginpb.DescribeResponse) { d.Roles = nil })},
	{"unknown ability", "", "describe.abilities", onReply(func(d *pluginpb.DescribeResponse) {
		d.Abilities = append(d.Abilities, "fly")
	})},
	{"odd media type", "", "describe.capabilities",
		onReply(func(d *pluginpb.DescribeResponse) { d.Capabilities.MediaTypes = []string{"pictures"} })},
	{"unhealthy", "", "describe.health", reportNotServing},
	{"invalid reason code", "", "describe.reasons",
		onReply(func(d *pluginpb.DescribeResponse) { d.ReasonCodes = map[string]string{"Too Busy": ""} })},
	{"responds to nothing", "", "wire.results", &wire{replaceRecv: dropResults}},
	{"ends its streams", "", "wire.results", &wire{replaceRecv: endStream}},
	{"refuses good settings", "", "settings.good", onReply(func(v *pluginpb.ValidateResponse) {
		v.Problems = append(v.Problems, &pluginpb.Problem{Path: "token", Message: "is not nice"})
	})},
	{"accepts unknown keys", "", "settings.unknown", anySettings(`"additionalProperties":false,`, "")},
	{"accepts other types", "", "settings.types", anySettings(`"type":"integer"`, `"type":["integer","string","array"]`)},
	{"accepts missing keys", "", "settings.required",
		anySettings(`"required":["base_url","token","api_key"],`, "")},
	{"accepts any role", "", "settings.role", onReply(func(v *pluginpb.ValidateResponse) { v.Problems = nil })},
	{"calls the vendor in Configure", "", "settings.offline", callVendorInConfigure},
	{"refuses its settings", "", "configure.accepts", onReply(func(c *pluginpb.ConfigureResponse) {
		proto.Reset(c)
		c.Error = &pluginpb.Error{Kind: "invalid", Field: "token"}
	})},
	{"unknown threads", "", "configure.endpoint", onReply(func(c *pluginpb.ConfigureResponse) { c.Threads = "forever" })},
	{"counts endpoints", "", "configure.same", changeEndpoints()},
	{"accepts refused settings", "", "configure.refuses", acceptRefusedConfiguration()},
	{"drops calls", "", "configure.in-flight", cancelAllCalls[*pluginpb.ConfigureRequest](0)},
	{"keeps-settings", "", "configure.applies", nil},
	{"another path", "", "in.reachable",
		onReply(func(c *pluginpb.ConfigureResponse) { c.Paths[0].Pattern = "/elsewhere" })},
	{"another kind", "", "in.golden", changeEnvelopes(func(e *pluginpb.Envelope) { e.Kind = "echo" })},
	{"another text", "", "out.requests", onDeliver(func(c *pluginpb.DeliverCall) {
		a, e := c.GetSend().GetAssigned(), c.GetSend().GetEnvelope()
		if bytes.Contains(e, []byte("Hi")) && a.GetText() == "" {
			a.Text = "another"
		}
	})},
	{"wrong vendor id", "", "out.golden", changeResults(func(r *pluginpb.DeliverResult) { r.VendorId += "x" })},
	{"too many parts", "", "out.coverage",
		onReply(func(d *pluginpb.DescribeResponse) { d.Capabilities.Parts = append(d.Capabilities.Parts, "video") })},
	{"too little text", "", "out.text", onDeliver(func(c *pluginpb.DeliverCall) {
		if a := c.GetSend().GetAssigned(); len(a.GetText()) > 200 {
			a.Text += "x"
		}
	})},
	{"ignores pieces", "", "out.pieces", onDeliver(func(c *pluginpb.DeliverCall) {
		if a := c.GetSend().GetAssigned(); a != nil && len(a.GetText()) < 200 {
			a.Text = ""
		}
	})},
	{"last-image", "", "out.parts", nil},
	{"no-caption", "", "out.parts", nil},
	{"crashes-on-state", "", "odd.survives", nil},
	{"repeats odd states", "", "odd.typed", failOnOddState()},
	{"names one channel", "", "channels.in", changeEnvelopes(func(e *pluginpb.Envelope) { e.Channel = "bot" })},
	{"one vendor", "", "channels.out", onDeliver(func(c *pluginpb.DeliverCall) { c.Channel = "bot" })},
	{"any token", "", "channels.credentials", onReceive(func(c *pluginpb.ReceiveCall) {
		setCredentials(c,
			"Bearer conformance-token-"+
				map[bool]string{true: "2", false: "1"}[c.GetChannels()[0] == "bot-2"])
	})},
	{"any-secret", "signed", "channels.credentials", nil},
	{"alternating ids", "", "duplicates.same", alternateIDs()},
	{"ids by process", "", "duplicates.restart", numberIDsByProcess()},
	{"another key", "", "duplicates.key", onDeliver(func(c *pluginpb.DeliverCall) { c.Key = "another" })},
	{"refuses good credentials", "", "credentials.taken",
		onReceive(func(c *pluginpb.ReceiveCall) { setCredentials(c, "no") })},
	{"accepts no credentials", "", "credentials.missing", admit(func(given []string) bool { return len(given) == 0 })},
	{"accepts an empty token", "", "credentials.empty", admit(func(given []string) bool {
		return slices.Equal(given, []string{"Bearer "})
	})},
	{"compares a prefix", "", "credentials.altered",
		admit(func(given []string) bool { return len(given) == 1 && strings.HasPrefix(given[0], "Bearer conf") })},
	{"any case", "signed", "credentials.altered", onReceive(func(c *pluginpb.ReceiveCall) {
		for _, h := range c.GetHeader() {
			if h.GetName() == "X-Signature" {
				h.Value = strings.ToLower(h.GetValue())
			}
		}
	})},
	{"accepts two tokens", "", "credentials.doubled",
		admit(func(given []string) bool { return len(given) > 1 && given[0] == "Bearer conformance-token-1" })},
	{"ignores the query", "signed", "credentials.signature", onReceive(func(c *pluginpb.ReceiveCall) { c.Query = "" })},
	{"ignores the host", "signed", "credentials.signature",
		onReceive(func(c *pluginpb.ReceiveCall) { c.Host = "gateway.example.com" })},
	{"ignores white space", "signed", "credentials.signature",
		onReceive(func(c *pluginpb.ReceiveCall) { c.Body = bytes.TrimSpace(c.GetBody()) })},
	{"accepts-any-time", "signed", "credentials.time", nil},
	{"accepts-an-hour", "signed", "credentials.time", nil},
	{"accepts-future", "signed", "credentials.time", nil},
	{"short-window", "signed", "credentials.taken", nil},
	{"refuses without a form", "", "credentials.shape", onError("unauthorized",
		func(e *pluginpb.Error) { e.Body = []byte("no") })},
	{"token in errors", "", "credentials.silent",
		onError("unauthorized", func(e *pluginpb.Error) { e.Text += " conformance-token-1" })},
	{"crashes", "", "hostile.survives", nil},
	{"responds with 500", "", "hostile.status", onError("invalid", func(e *pluginpb.Error) { e.Status = 500 })},
	{"makes invalid envelopes", "", "hostile.valid", changeEnvelopes(func(e *pluginpb.Envelope) { e.Kind = "nonsense" })},
	{"completes bodies", "", "hostile.truncated", onReceive(completeBody)},
	{"refuses large bodies", "", "oversize.padded",
		breakBodies(func(c *pluginpb.ReceiveCall) bool { return len(c.GetBody()) > 64<<10 })},
	{"refuses unknown members", "", "unknown.members",
		breakBodies(func(c *pluginpb.ReceiveCall) bool { return bytes.Contains(c.GetBody(), []byte("xConformance")) })},
	{"refuses half surrogates", "", "unknown.members",
		breakBodies(func(c *pluginpb.ReceiveCall) bool { return bytes.Contains(c.GetBody(), []byte(`\ud83d`)) })},
	{"refuses unknown values", "", "unknown.values",
		breakBodies(func(c *pluginpb.ReceiveCall) bool {
			return bytes.Contains(c.GetBody(), []byte("CONFORMANCE_UNKNOWN"))
		})},
	{"refuses a query", "", "unknown.header",
		breakBodies(func(c *pluginpb.ReceiveCall) bool { return c.GetQuery() != "" })},
	{"gives up on 429", "", "faults.throttled", onError("throttled", permanent)},
	{"gives up on 5xx", "", "faults.server", onError("transient", func(e *pluginpb.Error) {
		if e.GetStatus() >= 500 {
			e.Kind = "permanent"
		}
	})},
	{"repeats a request without a response", "", "faults.timeout", onError("unknown", func(e *pluginpb.Error) {
		if strings.Contains(e.GetText(), "deadline") {
			e.Kind = "throttled"
		}
	})},
	{"repeats what was reset", "", "faults.reset", onError("unknown", func(e *pluginpb.Error) {
		if strings.Contains(e.GetText(), "reset") {
			e.Kind = "throttled"
		}
	})},
	{"gives up on 401", "", "faults.unauthorized", onError("unauthorized", permanent)},
	{"repeats on 4xx", "", "faults.refusal", onError("permanent", func(e *pluginpb.Error) { e.Kind = "transient" })},
	{"accepts-no-id", "", "faults.broken", nil},
	{"accepts-pages", "", "faults.broken", nil},
	{"gives up on a closed port", "", "faults.refused", onError("transient", func(e *pluginpb.Error) {
		if e.GetStatus() == 0 {
			e.Kind = "permanent"
		}
	})},
	{"retries", "", "faults.once", nil},
	{"retries-throttled", "", "faults.once", nil},
	{"gives-up-on-login", "agent", "faults.prepare", nil},
	{"fails after unauthorized", "", "faults.heals", failAfterError("unauthorized")},
	{"keeps-session", "agent", "faults.heals", nil},
	{"no-guard", "", "guard.private", nil},
	{"reads any link", "", "guard.links", &wire{changeRequest: func(request any) {
		if r, ok := request.(*pluginpb.ConfigureRequest); ok {
			r.Channel.AllowLinks = []string{"127.0.0.0/8"}
		}
	}}},
	{"follows-redirects", "", "guard.redirects", nil},
	{"reads-all", "", "guard.responses", nil},
	{"one-at-a-time", "", "parallel.out", nil},
	{"one-lock", "", "parallel.in", nil},
	{"cancels late", "", "cancel.soon", delayCalls("/Cancel", 4*time.Second)},
	{"gives up on canceled calls", "", "cancel.kind", onError("unknown", permanent)},
	{"fails after a canceled call", "", "cancel.after", failAfterError("unknown")},
	{"no mark for the status", "", "refusals.template",
		onReply(func(c *pluginpb.ConfigureResponse) { c.RefusalBody = `{"error":"{{text}}"}` })},
	{"no quotes", "", "refusals.json",
		onReply(func(c *pluginpb.ConfigureResponse) { c.RefusalBody = `{"status":{{status}},"error":{{text}}}` })},
	{"another form", "", "refusals.form", onError("invalid", func(e *pluginpb.Error) { e.Body = []byte("no JSON") })},
	{"opens though it can't", "", "open.unable", onReply(cannotOpen)},
	{"pings", "", "open.requests", nil},
	{"wrong thread", "", "open.golden", changeResults(func(r *pluginpb.DeliverResult) { r.Thread += "x" })},
	{"opens once", "", "open.again", openOnlyOnce()},
	{"replies as the customer", "", "replies.sender",
		onReplies(func(e *pluginpb.Envelope) { e.Sender.Role = "customer" })},
	{"random reply ids", "", "replies.ids", onReplies(func(e *pluginpb.Envelope) { e.VendorId += rand.Text() })},
	{"pings", "", "media.requests", nil},
	{"wrong name of a medium", "", "media.golden", onReply(func(f *pluginpb.FetchResponse) { f.Name = "x" })},
	{"sends all of a medium", "", "media.limit", changeFetchLimit(func(limit int64) int64 { return 0 })},
	{"hides-truncation", "", "media.broken", nil},
	{"gives up on media", "", "media.faults", onReply(func(f *pluginpb.FetchResponse) {
		if f.GetError().GetKind() == "throttled" {
			f.Error.Kind = "permanent"
		}
	})},
	{"another attachment", "", "media.attached", onDeliver(func(c *pluginpb.DeliverCall) {
		if m := c.GetSend().GetAssigned().GetMedia(); len(m) > 0 && m[0].GetSize() < 1<<20 {
			m[0].Attachment = "another"
		}
	})},
	{"one message for a medium", "", "media.large", changeFetchLimit(func(limit int64) int64 {
		if limit == 0 {
			return 8 << 20
		}
		return limit
	})},
	{"pings", "agent", "subscribe.requests", nil},
	{"no cursor", "agent", "subscribe.golden", onReply(func(s *pluginpb.SubscribeResponse) { s.Cursor = nil })},
	{"fails the third time", "agent", "subscribe.again", failThirdSubscription()},
	{"gives up on subscriptions", "agent", "subscribe.faults", onReply(func(s *pluginpb.SubscribeResponse) {
		if s.GetError() != nil {
			s.Error.Kind = "permanent"
		}
	})},
	{"drops calls to drain", "", "drain.finishes", cancelAllCalls[*pluginpb.DrainRequest](time.Second)},
	{"goes on while it drains", "", "drain.refuses", ignoreDrain()},
	{"wrong count", "", "drain.reports", onReply(func(d *pluginpb.DrainResponse) { d.Running = 1 })},
	{"leaks-goroutines", "", "resources.goroutines", nil},
	{"leaks-files", "", "resources.descriptors", nil},
	{"leaks-threads", "", "resources.threads", hideMetrics},
	{"leaks-processes", "", "resources.children", nil},
	{"keeps-memory", "", "memory.flat", nil},
	{"keeps-memory", "signed", "memory.flat", hideMetrics},
	{"sends two results", "", "memory.works", onReply(func(r *pluginpb.ReceiveResponse) {
		r.Results = append(r.Results, r.Results...)
	})},
	{"refuses after calls", "", "memory.same", refuseAfterCalls()},
	{"ignores Shutdown", "", "exit.shutdown", ignoreCalls("/Shutdown")},
	{"ignores-sigterm", "", "exit.sigterm", nil},
	{"leaves-orphans", "", "exit.orphans", nil},
	{"runs-without-gateway", "", "exit.alone", nil},
	{"silent-by-hand", "", "exit.by-hand", nil},
	{"logs-token", "", "secrets.printed", nil},
	{"logs-session", "agent", "secrets.printed", nil},
	{"key in errors", "", "secrets.errors", onError("", func(e *pluginpb.Error) { e.Text += " conformance-key-0815" })},
	{"token in envelopes", "", "secrets.envelopes",
		changeEnvelopes(func(e *pluginpb.Envelope) { e.Raw = []byte("conformance-token-1") })},
	{"key in metrics", "", "secrets.metrics",
		onReply(func(m *pluginpb.CollectMetricsResponse) {
			m.Text = append(m.Text, "keys{key=\"conformance-key-0815\"} 1\n"...)
		})},
	{"logs-text", "", "secrets.text", nil},
}

func permanent(e *pluginpb.Error) { e.Kind = "permanent" }

// changeEndpoints returns a wire on which each endpoint differs from the previous one.
func changeEndpoints() *wire {
	n := int64(0)
	return onReply(func(c *pluginpb.ConfigureResponse) {
		if n++; len(c.GetPaths()) > 0 {
			c.Paths[0].MaxBody += n
		}
	})
}

// changeFetchLimit returns a wire that changes the size limit of Fetch.
func changeFetchLimit(change func(int64) int64) *wire {
	return &wire{changeRequest: func(request any) {
		if r, ok := request.(*pluginpb.FetchRequest); ok {
			r.MaxBytes = change(r.GetMaxBytes())
		}
	}}
}

func TestEachFlawFailsItsCheckAlone(t *testing.T) {
	for _, f := range flawCases {
		t.Run(f.name+" "+f.check, func(t *testing.T) {
			t.Parallel()
			group, _, _ := strings.Cut(f.check, ".")
			channel := f.channel
			if channel == "" {
				channel = "bot"
			}
			o := flawed(f.name, channel, f.wire, group)
			o.Messages = 6000
			report, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if got := failedIDs(report); !slices.Equal(got, []string{f.check}) {
				t.Errorf("failed checks %q, want %q alone", got, f.check)
				_ = report.Print(t.Output())
			}
		})
	}
}
