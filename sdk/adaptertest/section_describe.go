package adaptertest

import (
	"context"
	"maps"
	"mime"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/go-plugin"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"patchbay/sdk/envelope"
	"patchbay/sdk/protocol/pluginpb"
)

var (
	nameForm    = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,63}$`)
	versionForm = regexp.MustCompile(`^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	codeForm    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	// secretName is what settings are called that should be secrets.
	secretName = regexp.MustCompile(`(^|_)(secret|password|passwd|token|api_?key|private_key|secret_key)$`)
)

var (
	abilities = []string{"receive", "deliver", "open", "subscribe", "fetch"}
	roles     = []envelope.Role{envelope.RoleCustomer, envelope.RoleBot, envelope.RoleAgent, envelope.RoleObserver}
	partTypes = []envelope.PartType{
		envelope.PartText, envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile, envelope.PartLocation,
		envelope.PartCard, envelope.PartSuggestions,
	}
	mediaTypes = []envelope.PartType{envelope.PartImage, envelope.PartAudio, envelope.PartVideo, envelope.PartFile}
	eventKinds = []envelope.Kind{
		envelope.KindEcho, envelope.KindConnected, envelope.KindDisconnected, envelope.KindHandoverRequested, envelope.KindRead,
		envelope.KindTyping, envelope.KindDelivered, envelope.KindFailed, envelope.KindPassed, envelope.KindClosed,
	}
)

// describe examines what Describe said.
func describe(x *exam) {
	a := x.assert("describe.identity", "name, version and vendor")
	a.check(nameForm.MatchString(x.desc.GetName()), "name is %q: use lower-case letters, digits, - and _", x.desc.GetName())
	a.check(versionForm.MatchString(x.desc.GetVersion()), "version is %q: use a semantic version like 1.2.0",
		x.desc.GetVersion())
	a.check(x.desc.GetVendor() != "", "vendor is empty: say for people whose service this is")
	x.describeSchema()
	x.describeRoles()
	x.describeCapabilities()
	x.checkLife(x.assert("describe.life", "it says that it lives, and how it is"))
	a = x.assert("describe.reasons", "reason codes of declined errors")
	if len(x.desc.GetReasonCodes()) == 0 {
		a.skip("the adapter declines nothing")
	}
	for _, code := range slices.Sorted(maps.Keys(x.desc.GetReasonCodes())) {
		a.check(codeForm.MatchString(code), "reason code %q: use lower-case letters, digits and _, so that rules can name it", code)
		a.check(x.desc.GetReasonCodes()[code] != "", "reason code %q has no explanation: say for operators what it means", code)
	}
}

// checkLife asks as the gateway does while the process runs.
func (x *exam) checkLife(a *Assertion) {
	ctx, cancel := context.WithTimeout(x.ctx, soon)
	defer cancel()
	life, err := healthpb.NewHealthClient(x.prog.conn).Check(ctx, &healthpb.HealthCheckRequest{Service: plugin.GRPCServiceName})
	a.check(err == nil && life.GetStatus() == healthpb.HealthCheckResponse_SERVING,
		"grpc.health.v1.Health says of service %s: %s, error %v: it must be SERVING, or the gateway replaces the process",
		plugin.GRPCServiceName, life.GetStatus(), err)
	stream, err := x.prog.rpc.WatchHealth(ctx, &pluginpb.WatchHealthRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	a.check(err == nil, "WatchHealth gives no state within %s: send the state at once, and then each change (%v)", soon, err)
}

func (x *exam) describeSchema() {
	a := x.assert("describe.schema", "the settings have a JSON Schema")
	if !a.check(x.badly == nil, "the settings schema is %v", x.badly) {
		return
	}
	a.check(x.schema.root.Type == "object", `the settings schema is of type %q: it must be "object"`, x.schema.root.Type)
	a = x.assert("describe.documented", "each setting is described")
	marks := x.assert("describe.secrets", "settings that are secrets are marked")
	address := x.assert("describe.address", "addresses that the adapter calls are marked")
	addressed := false
	x.schema.root.walk("", func(path string, n *node) {
		name := path[strings.LastIndexByte(path, '.')+1:]
		a.check(n.Description != "", `setting %s has no description: say what it is and where to get it in the schema's description (Go: doc:"…")`, path)
		if n.Type == "string" && secretName.MatchString(name) {
			marks.check(n.Secret, `setting %s looks like a secret and is not marked "x-secret": true in the schema (Go: make it an sdk.Secret)`, path)
		}
		addressed = addressed || n.Address
		if v, _ := setting(x.settings, path); n.Type == "string" && !n.Address {
			text, _ := v.(string)
			address.check(!strings.Contains(text, x.vendor.base),
				`setting %s holds the vendor's address and is not marked "x-vendor-address": true in the schema (Go: add vendor-address to its tag)`, path)
		}
	})
	marks.skip("no setting looks like a secret")
	if x.able("deliver") || x.able("fetch") || x.able("subscribe") {
		address.check(addressed,
			`no setting is marked "x-vendor-address": mark the address that the adapter calls, so that it can be pointed `+
				`at a test server`)
	}
}

func (x *exam) describeRoles() {
	a := x.assert("describe.roles", "the roles that its channels may have")
	a.check(len(x.desc.GetRoles()) > 0, "no roles: list them in Describe, so that the gateway and people know")
	for _, r := range x.desc.GetRoles() {
		a.check(slices.Contains(roles, envelope.Role(r)), "role %q is none of %v", r, roles)
	}
	a.check(slices.Contains(x.desc.GetRoles(), x.data.Role), "the exam's role %s is not among the roles %v", x.data.Role,
		x.desc.GetRoles())
}

func (x *exam) describeCapabilities() {
	a := x.assert("describe.abilities", "abilities that fit together")
	for _, b := range x.desc.GetAbilities() {
		a.check(slices.Contains(abilities, b), "ability %q is unknown; there are %v", b, abilities)
	}
	a.check(x.able("receive") || x.able("deliver") || x.able("subscribe"),
		"it neither receives, delivers nor listens: it can do nothing")
	a.check(!x.able("open") || x.able("deliver"), "it opens conversations but does not deliver: implement Deliver")
	a.check(!x.endpoint.GetSubscribes() || x.able("subscribe"), "the channel is to be listened to, and the ability subscribe is missing")

	a = x.assert("describe.capabilities", "capabilities that fit the abilities")
	c := x.capabilities()
	if !x.able("deliver") {
		a.check(len(c.GetParts()) == 0 && len(c.GetEvents()) == 0,
			"parts or events are declared, and the ability deliver is missing")
		return
	}
	a.check(len(c.GetParts()) > 0 || len(c.GetEvents()) > 0,
		"it delivers, and declares neither parts nor events: nothing will reach it")
	media := false
	for _, p := range c.GetParts() {
		a.check(slices.Contains(partTypes, envelope.PartType(p)), "part type %q is unknown; there are %v", p, partTypes)
		media = media || slices.Contains(mediaTypes, envelope.PartType(p))
	}
	for _, e := range c.GetEvents() {
		a.check(slices.Contains(eventKinds, envelope.Kind(e)), "event %q is unknown; there are %v", e, eventKinds)
	}
	a.check(c.GetTextBytes() >= 0 && (c.GetTextBytes() == 0 || c.GetTextBytes() >= 16),
		"text_bytes is %d: it is the most that one call carries; 0 is no limit", c.GetTextBytes())
	a.check(slices.Contains([]string{"", "link", "stream"}, c.GetMedia()),
		`media is %q: it must be "", "link" or "stream"`, c.GetMedia())
	a.check(c.GetMedia() == "" || media, "media are wanted as %s, and none of %v is among the parts", c.GetMedia(), mediaTypes)
	a.check(c.GetMediaBytes() >= 0, "media_bytes is %d", c.GetMediaBytes())
	for _, t := range c.GetMediaTypes() {
		_, _, err := mime.ParseMediaType(t)
		a.check(err == nil && strings.Contains(t, "/"), "media type %q: write it like image/png or image/*", t)
	}
}
