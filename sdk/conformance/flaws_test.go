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
	{"flies", "", "describe.abilities", says(func(d *pluginpb.DescribeResponse) {
		d.Abilities = append(d.Abilities,
			"fly")
	})},
	{"odd media type", "", "describe.capabilities",
		says(func(d *pluginpb.DescribeResponse) { d.Capabilities.MediaTypes = []string{"pictures"} })},
	{"unhealthy", "", "describe.health", sick},
	{"unexplained", "", "describe.reasons",
		says(func(d *pluginpb.DescribeResponse) { d.ReasonCodes = map[string]string{"Too Busy": ""} })},
	{"responds to nothing", "", "wire.results", &wire{received: silent}},
	{"ends its streams", "", "wire.results", &wire{received: ended}},
	{"picky", "", "settings.good", says(func(v *pluginpb.ValidateResponse) {
		v.Problems = append(v.Problems, &pluginpb.Problem{Path: "token", Message: "is not nice"})
	})},
	{"lax about keys", "", "settings.unknown", lax(`"additionalProperties":false,`, "")},
	{"lax about types", "", "settings.types", lax(`"type":"integer"`, `"type":["integer","string","array"]`)},
	{"lax about keys that are required", "", "settings.required", lax(`"required":["base_url","token","api_key"],`, "")},
	{"plays any role", "", "settings.role", says(func(v *pluginpb.ValidateResponse) { v.Problems = nil })},
	{"calls home", "", "settings.offline", callsHome},
	{"refuses its settings", "", "configure.accepts", says(func(c *pluginpb.ConfigureResponse) {
		proto.Reset(c)
		c.Error = &pluginpb.Error{Kind: "invalid", Field: "token"}
	})},
	{"odd threads", "", "configure.endpoint", says(func(c *pluginpb.ConfigureResponse) { c.Threads = "forever" })},
	{"counts endpoints", "", "configure.same", counting()},
	{"takes anything", "", "configure.refuses", takingAnything()},
	{"drops calls", "", "configure.in-flight", dropping[*pluginpb.ConfigureRequest](0)},
	{"keeps-settings", "", "configure.applies", nil},
	{"elsewhere", "", "in.reachable", says(func(c *pluginpb.ConfigureResponse) { c.Paths[0].Pattern = "/elsewhere" })},
	{"shouts", "", "in.golden", envelopes(func(e *pluginpb.Envelope) { e.Kind = "echo" })},
	{"says something else", "", "out.requests", sends(func(c *pluginpb.DeliverCall) {
		a, e := c.GetSend().GetAssigned(), c.GetSend().GetEnvelope()
		if bytes.Contains(e, []byte("Hi")) && a.GetText() == "" {
			a.Text = "another"
		}
	})},
	{"misreads ids", "", "out.golden", delivered(func(r *pluginpb.DeliverResult) { r.VendorId += "x" })},
	{"overpromises", "", "out.coverage",
		says(func(d *pluginpb.DescribeResponse) { d.Capabilities.Parts = append(d.Capabilities.Parts, "video") })},
	{"too little text", "", "out.text", sends(func(c *pluginpb.DeliverCall) {
		if a := c.GetSend().GetAssigned(); len(a.GetText()) > 200 {
			a.Text += "x"
		}
	})},
	{"ignores pieces", "", "out.pieces", sends(func(c *pluginpb.DeliverCall) {
		if a := c.GetSend().GetAssigned(); a != nil && len(a.GetText()) < 200 {
			a.Text = ""
		}
	})},
	{"last-image", "", "out.parts", nil},
	{"no-caption", "", "out.parts", nil},
	{"crashes-on-state", "", "odd.survives", nil},
	{"repeats odd states", "", "odd.typed", repeatingState()},
	{"says one channel", "", "channels.in", envelopes(func(e *pluginpb.Envelope) { e.Channel = "bot" })},
	{"one vendor", "", "channels.out", sends(func(c *pluginpb.DeliverCall) { c.Channel = "bot" })},
	{"any token", "", "channels.credentials", hears(func(c *pluginpb.ReceiveCall) {
		authorize(c,
			"Bearer conformance-token-"+
				map[bool]string{true: "2", false: "1"}[c.GetChannels()[0] == "bot-2"])
	})},
	{"any-secret", "signed", "channels.credentials", nil},
	{"toggles ids", "", "duplicates.same", toggling()},
	{"ids of its own process", "", "duplicates.restart", numbering()},
	{"forgets keys", "", "duplicates.key", sends(func(c *pluginpb.DeliverCall) { c.Key = "another" })},
	{"shut door", "", "credentials.taken", hears(func(c *pluginpb.ReceiveCall) { authorize(c, "no") })},
	{"optional", "", "credentials.missing", admits(func(given []string) bool { return len(given) == 0 })},
	{"empty token", "", "credentials.empty", admits(func(given []string) bool {
		return slices.Equal(given,
			[]string{"Bearer "})
	})},
	{"compares a prefix", "", "credentials.altered",
		admits(func(given []string) bool { return len(given) == 1 && strings.HasPrefix(given[0], "Bearer conf") })},
	{"any case", "signed", "credentials.altered", hears(func(c *pluginpb.ReceiveCall) {
		for _, h := range c.GetHeader() {
			if h.GetName() == "X-Signature" {
				h.Value = strings.ToLower(h.GetValue())
			}
		}
	})},
	{"first of two", "", "credentials.doubled",
		admits(func(given []string) bool { return len(given) > 1 && given[0] == "Bearer conformance-token-1" })},
	{"skips the query", "signed", "credentials.signature", hears(func(c *pluginpb.ReceiveCall) { c.Query = "" })},
	{"knows its host", "signed", "credentials.signature",
		hears(func(c *pluginpb.ReceiveCall) { c.Host = "gateway.example.com" })},
	{"trims", "signed", "credentials.signature",
		hears(func(c *pluginpb.ReceiveCall) { c.Body = bytes.TrimSpace(c.GetBody()) })},
	{"timeless", "signed", "credentials.time", nil},
	{"patient", "signed", "credentials.time", nil},
	{"looks-back", "signed", "credentials.time", nil},
	{"punctual", "signed", "credentials.taken", nil},
	{"refuses without a form", "", "credentials.shape", failing("unauthorized",
		func(e *pluginpb.Error) { e.Body = []byte("no") })},
	{"repeats the token", "", "credentials.silent",
		failing("unauthorized", func(e *pluginpb.Error) { e.Text += " conformance-token-1" })},
	{"crashes", "", "hostile.survives", nil},
	{"responds with 500", "", "hostile.status", failing("invalid", func(e *pluginpb.Error) { e.Status = 500 })},
	{"makes invalid envelopes", "", "hostile.valid", envelopes(func(e *pluginpb.Envelope) { e.Kind = "nonsense" })},
	{"lenient", "", "hostile.truncated", hears(repair)},
	{"small", "", "oversize.padded", refuses(func(c *pluginpb.ReceiveCall) bool { return len(c.GetBody()) > 64<<10 })},
	{"strict about members", "", "unknown.members",
		refuses(func(c *pluginpb.ReceiveCall) bool { return bytes.Contains(c.GetBody(), []byte("xConformance")) })},
	{"strict about halves", "", "unknown.members",
		refuses(func(c *pluginpb.ReceiveCall) bool { return bytes.Contains(c.GetBody(), []byte(`\ud83d`)) })},
	{"strict about values", "", "unknown.values",
		refuses(func(c *pluginpb.ReceiveCall) bool { return bytes.Contains(c.GetBody(), []byte("CONFORMANCE_UNKNOWN")) })},
	{"strict about the query", "", "unknown.header",
		refuses(func(c *pluginpb.ReceiveCall) bool { return c.GetQuery() != "" })},
	{"gives up on 429", "", "faults.throttled", failing("throttled", permanent)},
	{"gives up on 5xx", "", "faults.server", failing("transient", func(e *pluginpb.Error) {
		if e.GetStatus() >= 500 {
			e.Kind = "permanent"
		}
	})},
	{"repeats a request without a response", "", "faults.timeout", failing("unknown", func(e *pluginpb.Error) {
		if strings.Contains(e.GetText(), "deadline") {
			e.Kind = "throttled"
		}
	})},
	{"repeats what was reset", "", "faults.reset", failing("unknown", func(e *pluginpb.Error) {
		if strings.Contains(e.GetText(), "reset") {
			e.Kind = "throttled"
		}
	})},
	{"gives up on 401", "", "faults.unauthorized", failing("unauthorized", permanent)},
	{"repeats on 4xx", "", "faults.refusal", failing("permanent", func(e *pluginpb.Error) { e.Kind = "transient" })},
	{"believes", "", "faults.broken", nil},
	{"believes-pages", "", "faults.broken", nil},
	{"gives up on a closed port", "", "faults.refused", failing("transient", func(e *pluginpb.Error) {
		if e.GetStatus() == 0 {
			e.Kind = "permanent"
		}
	})},
	{"retries", "", "faults.once", nil},
	{"retries-throttled", "", "faults.once", nil},
	{"shrugs", "agent", "faults.prepare", nil},
	{"sulks", "", "faults.heals", sulking("unauthorized")},
	{"keeps-session", "agent", "faults.heals", nil},
	{"no-guard", "", "guard.private", nil},
	{"reads any link", "", "guard.links", &wire{asked: func(request any) {
		if r, ok := request.(*pluginpb.ConfigureRequest); ok {
			r.Channel.AllowLinks = []string{"127.0.0.0/8"}
		}
	}}},
	{"follows-redirects", "", "guard.redirects", nil},
	{"reads-all", "", "guard.responses", nil},
	{"one-at-a-time", "", "parallel.out", nil},
	{"one-lock", "", "parallel.in", nil},
	{"cancels late", "", "cancel.soon", slowly("/Cancel", 4*time.Second)},
	{"gives up on canceled calls", "", "cancel.kind", failing("unknown", permanent)},
	{"sulks after a canceled call", "", "cancel.after", sulking("unknown")},
	{"no mark for the status", "", "refusals.template",
		says(func(c *pluginpb.ConfigureResponse) { c.RefusalBody = `{"error":"{{text}}"}` })},
	{"no quotes", "", "refusals.json",
		says(func(c *pluginpb.ConfigureResponse) { c.RefusalBody = `{"status":{{status}},"error":{{text}}}` })},
	{"another form", "", "refusals.form", failing("invalid", func(e *pluginpb.Error) { e.Body = []byte("no JSON") })},
	{"opens though it can't", "", "open.unable", says(cannotOpen)},
	{"pings", "", "open.requests", nil},
	{"misreads threads", "", "open.golden", delivered(func(r *pluginpb.DeliverResult) { r.Thread += "x" })},
	{"opens once", "", "open.again", openingOnce()},
	{"replies as the customer", "", "replies.sender", replying(func(e *pluginpb.Envelope) { e.Sender.Role = "customer" })},
	{"counts replies", "", "replies.ids", replying(func(e *pluginpb.Envelope) { e.VendorId += rand.Text() })},
	{"pings", "", "media.requests", nil},
	{"misnames media", "", "media.golden", says(func(f *pluginpb.FetchResponse) { f.Name = "x" })},
	{"sends all of a medium", "", "media.limit", fetchLimit(func(limit int64) int64 { return 0 })},
	{"swallows-cut", "", "media.broken", nil},
	{"gives up on media", "", "media.faults", says(func(f *pluginpb.FetchResponse) {
		if f.GetError().GetKind() == "throttled" {
			f.Error.Kind = "permanent"
		}
	})},
	{"blind", "", "media.attached", sends(func(c *pluginpb.DeliverCall) {
		if m := c.GetSend().GetAssigned().GetMedia(); len(m) > 0 && m[0].GetSize() < 1<<20 {
			m[0].Attachment = "another"
		}
	})},
	{"one message for a medium", "", "media.large", fetchLimit(func(limit int64) int64 {
		if limit == 0 {
			return 8 << 20
		}
		return limit
	})},
	{"pings", "agent", "subscribe.requests", nil},
	{"loses the cursor", "agent", "subscribe.golden", says(func(s *pluginpb.SubscribeResponse) { s.Cursor = nil })},
	{"not a third time", "agent", "subscribe.again", thirdFailing()},
	{"despairs", "agent", "subscribe.faults", says(func(s *pluginpb.SubscribeResponse) {
		if s.GetError() != nil {
			s.Error.Kind = "permanent"
		}
	})},
	{"drops calls to drain", "", "drain.finishes", dropping[*pluginpb.DrainRequest](time.Second)},
	{"goes on while it drains", "", "drain.refuses", undrained()},
	{"miscounts", "", "drain.reports", says(func(d *pluginpb.DrainResponse) { d.Running = 1 })},
	{"leaks-goroutines", "", "resources.goroutines", nil},
	{"leaks-files", "", "resources.descriptors", nil},
	{"leaks-threads", "", "resources.threads", mute},
	{"leaks-processes", "", "resources.children", nil},
	{"hoards", "", "memory.flat", nil},
	{"hoards", "signed", "memory.flat", mute},
	{"sends two results", "", "memory.works", says(func(r *pluginpb.ReceiveResponse) {
		r.Results = append(r.Results,
			r.Results...)
	})},
	{"fills up", "", "memory.same", filling()},
	{"ignores its gateway", "", "exit.shutdown", ignores("/Shutdown")},
	{"ignores-sigterm", "", "exit.sigterm", nil},
	{"leaves-orphans", "", "exit.orphans", nil},
	{"immortal", "", "exit.alone", nil},
	{"silent-by-hand", "", "exit.by-hand", nil},
	{"logs-token", "", "secrets.printed", nil},
	{"logs-session", "agent", "secrets.printed", nil},
	{"says its key", "", "secrets.errors", failing("", func(e *pluginpb.Error) { e.Text += " conformance-key-0815" })},
	{"keeps the token", "", "secrets.envelopes",
		envelopes(func(e *pluginpb.Envelope) { e.Raw = []byte("conformance-token-1") })},
	{"measures its key", "", "secrets.metrics",
		says(func(m *pluginpb.CollectMetricsResponse) {
			m.Text = append(m.Text, "keys{key=\"conformance-key-0815\"} 1\n"...)
		})},
	{"logs-text", "", "secrets.text", nil},
}

func permanent(e *pluginpb.Error) { e.Kind = "permanent" }

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
