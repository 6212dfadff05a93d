package conformance

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"patchbay/sdk/settings"
)

//go:embed checks.yaml
var checksText []byte

// group is a set of checks.
type group struct {
	Name   string
	Title  string
	Checks []check
}

// check is one thing that an adapter must do; see checks.yaml.
type check struct {
	ID, Needs, Title, Todo string
	Early                  bool // it also applies to a channel that could not be configured
}

// groups are all checks, in the order in which they run.
var groups = readYAML[[]group]("checks.yaml", checksText)

// readYAML reads a file of the package.
func readYAML[T any](name string, text []byte) (v T) {
	if err := yaml.Unmarshal(text, &v); err != nil {
		panic("read " + name + ": " + err.Error())
	}
	return v
}

// Groups returns the names of all groups, in the order in which they run.
func Groups() (out []string) {
	for _, g := range groups {
		out = append(out, g.Name)
	}
	return out
}

// isSelected reports whether the group, or a check of it, is among names. No names select all.
func (g group) isSelected(names []string) bool {
	return slices.ContainsFunc(g.Checks, func(c check) bool { return c.isSelected(g.Name, names) })
}

func (c check) isSelected(group string, names []string) bool {
	return len(names) == 0 || slices.Contains(names, group) || slices.Contains(names, group+"."+c.ID)
}

// checks are the functions of all checks, by group and id.
var checks = func() map[string]func(*probe) {
	all := map[string]func(*probe){}
	for _, m := range []map[string]func(*probe){
		describeChecks, settingsChecks, inChecks, credentialsChecks, hostileChecks, outChecks, faultsChecks, mediaChecks, endChecks,
	} {
		maps.Copy(all, m)
	}
	return all
}()

// need is a condition without which a check does not apply.
type need struct {
	met func(p *probe) bool
	why string // it does not apply
}

var needs = map[string]need{
	"":         {func(*probe) bool { return true }, ""},
	"receives": {receives, "the channel receives no calls"},
	"delivers": {delivers, "there is no delivery in the test data"},
	"both":     {func(p *probe) bool { return receives(p) && delivers(p) }, "the channel does not both receive and deliver"},
	"calls":    {func(p *probe) bool { return receives(p) || delivers(p) }, "there are no calls in the test data"},
	"paths":    {func(p *probe) bool { return len(p.subject.endpoint.GetPaths()) > 0 }, "the channel receives no calls"},
	"deliver":  {func(p *probe) bool { return p.can("deliver") }, "the adapter does not deliver"},
	"fetch":    {func(p *probe) bool { return p.can("fetch") }, "the adapter fetches no media"},
	"no open":  {func(p *probe) bool { return p.can("deliver") && !p.can("open") }, "the adapter opens conversations, or does not deliver"},
	"opens":    {opens, "the channel opens no conversations"},
	"replies":  {func(p *probe) bool { return len(p.replying()) > 0 }, "no exchange of the test data has replies"},
	"stream":   {takesMedia(0), "the channel does not take media as bytes"},
	"secrets":  {func(p *probe) bool { return len(p.subject.secrets()) > 0 }, "the settings have no secret"},
	"reasons":  {func(p *probe) bool { return len(p.subject.desc.GetReasonCodes()) > 0 }, "there are no reason codes"},
	"subscribes": {func(p *probe) bool { return p.can("subscribe") && p.subject.endpoint.GetSubscribes() },
		"the channel does not subscribe"},
	"idempotent": {func(p *probe) bool { return delivers(p) && p.subject.capabilities().GetIdempotent() },
		"the vendor takes no idempotency key"},
	"text limit": {func(p *probe) bool { return delivers(p) && p.subject.capabilities().GetTextBytes() > 0 },
		"no limit is declared"},
	"large media": {func(p *probe) bool { return p.can("fetch") || takesMedia(large)(p) },
		"the channel neither fetches nor takes media as large"},
	"json refusals": {func(p *probe) bool { return p.refusesJSON() }, "refusals are not JSON"},
	"settings":      {hasSetting(func(settings.Setting) bool { return true }), "there are no settings"},
	"text setting":  {hasSetting(isText), "no setting is a text"},
}

func receives(p *probe) bool { return p.can("receive") && len(p.data.in) > 0 }

func delivers(p *probe) bool { return p.can("deliver") && p.data.main("deliver") != nil }

// opens reports whether the channel opens conversations; one of a customer is not asked to.
func opens(p *probe) bool {
	return p.can("open") && (p.data.Role != "customer" || len(p.examples("open")) > 0)
}

// takesMedia returns whether a channel takes media of so many bytes by Attach.
func takesMedia(size int64) func(*probe) bool {
	return func(p *probe) bool {
		c := p.subject.capabilities()
		return p.can("deliver") && c.GetMedia() == "stream" && (c.GetMediaBytes() == 0 || c.GetMediaBytes() >= size)
	}
}

// hasSetting returns whether a setting fits.
func hasSetting(fits func(settings.Setting) bool) func(*probe) bool {
	return func(p *probe) bool { return p.setting(fits) != nil }
}

// setting returns the first setting that fits, nil if there is none.
func (p *probe) setting(fits func(settings.Setting) bool) *settings.Setting {
	for s := range p.subject.schema.Schema.All() {
		if fits(s) {
			return &s
		}
	}
	return nil
}

func isText(s settings.Setting) bool { return s.Has("string") && len(s.Path) == 1 }

// can reports whether the adapter has an ability.
func (p *probe) can(ability string) bool {
	return slices.Contains(p.subject.desc.GetAbilities(), ability)
}

func (p *probe) refusesJSON() bool {
	return strings.Contains(p.subject.endpoint.GetRefusalContentType(), "json")
}
