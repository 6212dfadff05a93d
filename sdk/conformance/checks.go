package conformance

import (
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

//go:embed checks.yaml
var checksText []byte

type group struct {
	Name   string
	Title  string
	Checks []check
}

// check is one requirement for an adapter; see checks.yaml.
type check struct {
	ID, Needs, Title, Todo string
	Early                  bool // it also applies to a channel that could not be configured
}

// groups are all checks, in the order in which they run.
var groups = readYAML[[]group]("checks.yaml", checksText)

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

// isSelected reports whether the group, or a check of it, is among names. Without names, all are selected.
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
		setupChecks, inChecks, credentialsChecks, outChecks, faultsChecks, endChecks, memoryChecks,
	} {
		maps.Copy(all, m)
	}
	for _, f := range cases.Faults {
		all["faults."+f.Check] = func(p *probe) { p.expectFaults(f.Check) }
	}
	for i, r := range resources {
		all["resources."+r.name] = func(p *probe) { p.expectFreed(i) }
	}
	for _, group := range []string{"empty", "altered", "doubled", "signature", "time"} {
		all["credentials."+group] = func(p *probe) { p.expectForgeries(group) }
	}
	return all
}()

// needs are the conditions of checks by name. A check applies only if its condition is true.
var needs = map[string]func(*probe) bool{
	"":              func(*probe) bool { return true },
	"receives":      receives,
	"delivers":      delivers,
	"both":          func(p *probe) bool { return receives(p) && delivers(p) },
	"calls":         func(p *probe) bool { return receives(p) || delivers(p) },
	"paths":         func(p *probe) bool { return len(p.subject.endpoint.GetPaths()) > 0 },
	"deliver":       func(p *probe) bool { return p.can("deliver") },
	"fetch":         func(p *probe) bool { return p.can("fetch") },
	"no open":       func(p *probe) bool { return p.can("deliver") && !p.can("open") },
	"opens":         opens,
	"replies":       func(p *probe) bool { return len(p.replyExamples()) > 0 },
	"stream":        takesMedia(0),
	"secrets":       func(p *probe) bool { return len(p.subject.secrets()) > 0 },
	"reasons":       func(p *probe) bool { return len(p.subject.desc.GetReasonCodes()) > 0 },
	"subscribes":    func(p *probe) bool { return p.can("subscribe") && p.subject.endpoint.GetSubscribes() },
	"idempotent":    func(p *probe) bool { return delivers(p) && p.subject.capabilities().GetIdempotent() },
	"text limit":    func(p *probe) bool { return delivers(p) && p.subject.capabilities().GetTextBytes() > 0 },
	"large media":   func(p *probe) bool { return p.can("fetch") || takesMedia(large)(p) },
	"json refusals": (*probe).refusesJSON,
	"settings":      func(p *probe) bool { return len(p.subject.schema.Schema.Properties) > 0 },
	"text setting":  func(p *probe) bool { return textSetting(p) != "" },
}

func receives(p *probe) bool { return len(p.data.in) > 0 }

func delivers(p *probe) bool { return p.can("deliver") && p.data.main("deliver") != nil }

// opens reports whether the channel must open conversations. A customer channel must only if it has examples of open.
func opens(p *probe) bool {
	return p.can("open") && (p.data.Role != "customer" || len(p.examples("open")) > 0)
}

func takesMedia(size int64) func(*probe) bool {
	return func(p *probe) bool {
		c := p.subject.capabilities()
		return p.can("deliver") && c.GetMedia() == "stream" && (c.GetMediaBytes() == 0 || c.GetMediaBytes() >= size)
	}
}

// textSetting returns the name of a setting that is a text, "" if there is none.
func textSetting(p *probe) string {
	for s := range p.subject.schema.Schema.All() {
		if s.Has("string") && len(s.Path) == 1 {
			return s.Name()
		}
	}
	return ""
}

func (p *probe) expectKind(got *outcome, kinds ...string) {
	p.expect(slices.Contains(kinds, got.kind()), "%s gave %s, expected %s", got.act, got, strings.Join(kinds, " or "))
}

func (p *probe) expectDelivery(when string) {
	got := p.perform(act{})
	p.expect(got.isSuccess(), "%s, a delivery gave %s", when, got)
}

func (p *probe) can(ability string) bool {
	return slices.Contains(p.subject.desc.GetAbilities(), ability)
}

func (p *probe) refusesJSON() bool {
	return strings.Contains(p.subject.endpoint.GetRefusalContentType(), "json")
}

//go:embed cases.yaml
var casesText []byte

// cases are the inputs that the suite uses for each adapter; see cases.yaml.
var cases = readYAML[struct {
	Faults, Prepare, Fetch, Subscribe []fault
	Responses, Bodies, Values         []string
	Odd                               []oddity
	Several, SeveralMedia             []any
	// the values that the protocol defines
	Abilities, Roles, Media, Parts, Events []string
}]("cases.yaml", repeats.ReplaceAllFunc(casesText, func(b []byte) []byte {
	n, _ := strconv.Atoi(string(b[3 : len(b)-1]))
	return []byte(strconv.Quote(strings.Repeat(string(b[1]), n)))
}))

// fault is a misbehavior of the vendor, with the kinds of errors that the adapter may then return.
type fault struct {
	Check  string
	What   string
	Do     string // silence or reset; otherwise the vendor responds with:
	Status int
	Body   string
	Header map[string]string
	Limit  time.Duration // of the call
	Kinds  []string
	Open   []string // further kinds, if the call opens a conversation
	After  time.Duration
}

func (f *fault) react() reaction {
	if r := map[string]reaction{"silence": neverRespond, "reset": resetConn}[f.Do]; r != nil {
		return r
	}
	return respond(f.Status, f.Body, f.Header)
}

// expectFault expects the kind of error and the pause that are right for a fault.
func (p *probe) expectFault(f *fault, got *outcome) {
	kinds := f.Kinds
	if got.act.action == "open" {
		kinds = slices.Concat(kinds, f.Open)
	}
	p.expectKind(got, kinds...)
	if f.After > 0 && got.Error != nil {
		after, _ := time.ParseDuration(got.Error.After) // 0 if there is none
		p.expect(after > f.After-time.Second/10, "%s: the error waits %q, expected %s", got.act, got.Error.After, f.After)
	}
}

// oddity changes a delivery. Text replaces each text that is not empty, and Attributes the value of each attribute.
type oddity struct {
	What             string
	Set              map[string]any // values by their dotted paths
	Text, Attributes string
}

// repeats matches a text of one repeated letter, like "x*512".
var repeats = regexp.MustCompile(`"[a-z]\*\d+"`)
