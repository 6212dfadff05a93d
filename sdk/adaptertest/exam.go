package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"patchbay/sdk/protocol/pluginpb"
)

// exam is one channel under examination. Its methods are called by one goroutine, except where they say otherwise.
type exam struct {
	ctx      context.Context
	opts     *Options
	data     *channelData
	desc     *pluginpb.DescribeResponse
	schema   *settingsSchema
	badly    error // why the schema can't be read
	settings map[string]any
	vendor   *vendor
	signer   signer // of the vendor's calls; nil if they are not signed
	unsigned error  // why a call could not be signed
	prog     *program
	endpoint *pluginpb.ConfigureResponse
	witness  *witness
	section  *Section
	deaths   int // in this section
}

// newExam starts the adapter and configures the channel.
func newExam(ctx context.Context, o *Options, data *channelData) (*exam, error) {
	v, err := newVendor()
	if err != nil {
		return nil, err
	}
	x := &exam{ctx: ctx, opts: o, data: data, vendor: v, witness: newWitness(), section: &Section{}}
	if x.signer, err = newSigner(data); err == nil {
		err = x.checkSigner()
	}
	if err == nil {
		err = x.start()
	}
	if err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

func (x *exam) close() {
	if x.prog != nil {
		x.prog.kill()
	}
	if x.signer != nil {
		x.signer.close()
	}
	x.vendor.close()
}

// start launches a process, describes it and configures the channel. What only the adapter can have done wrong in its
// description or the configuration is left to the sections.
func (x *exam) start() error {
	p, err := launch(x.opts, x.witness.said)
	if err != nil {
		return err
	}
	x.prog = p
	ctx, cancel := context.WithTimeout(x.ctx, callTimeout)
	defer cancel()
	if x.desc, err = p.rpc.Describe(ctx, &pluginpb.DescribeRequest{GatewayVersion: "exam"}); err != nil {
		return fmt.Errorf("describe: %w%s", err, lastWords(x.witness.said))
	}
	if x.schema, x.badly = compileSchema(x.desc.GetSettingsSchema()); x.badly != nil {
		x.schema = &settingsSchema{root: &node{}}
	}
	if x.settings, err = x.fill(x.data.Settings, x.vendor); err != nil {
		return err
	}
	x.witness.know(x.secrets()...)
	if x.endpoint, err = x.configure(x.settings); err != nil {
		return err
	}
	return p.openStreams(x.desc.GetAbilities())
}

// fill returns settings with defaults, and with the fault server in place of the vendor: in the required addresses that
// are left out, and wherever the exam data say so.
func (x *exam) fill(settings map[string]any, v *vendor) (map[string]any, error) {
	text, err := json.Marshal(settings)
	if err != nil {
		return nil, fmt.Errorf("read settings of the exam: %w", err)
	}
	out := map[string]any{}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), vendorMark, v.base)), &out); err != nil {
		return nil, fmt.Errorf("read settings of the exam: %w", err)
	}
	if out == nil {
		out = map[string]any{}
	}
	required := x.schema.required()
	for _, path := range x.schema.paths(func(n *node) bool { return n.Address }) {
		value, _ := setting(out, path)
		text, _ := value.(string)
		switch {
		case text == "" && slices.Contains(required, path):
			out = withSetting(out, path, v.base)
		case text == "": // of another role
		case !strings.HasPrefix(text, v.base):
			return nil, fmt.Errorf("setting %s is an address that the adapter calls: write it with %s, or leave it out", path,
				vendorMark)
		}
	}
	x.schema.root.withDefaults(out)
	return out, nil
}

// secrets are the values of the settings that the schema marks as secret.
func (x *exam) secrets() []string {
	var out []string
	for _, path := range x.schema.paths(func(n *node) bool { return n.Secret }) {
		if v, _ := setting(x.settings, path); v != nil {
			if text, ok := v.(string); ok && text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

func (x *exam) able(ability string) bool { return slices.Contains(x.desc.GetAbilities(), ability) }

// capabilities are the channel's.
func (x *exam) capabilities() *pluginpb.Capabilities {
	if c := x.endpoint.GetCapabilities(); c != nil {
		return c
	}
	return x.desc.GetCapabilities()
}

// run runs one section. A process that died in it is started again before the next.
func (x *exam) run(s section) Section {
	began := time.Now()
	x.section = &Section{Name: s.name, Title: s.title}
	x.deaths = 0
	switch err := x.revive(); {
	case err != nil:
		x.assert(s.name+".starts", "the adapter starts").failf("%v", err)
	case x.endpoint.GetError() != nil && !s.early:
		x.assert(s.name+".configured", "the channel is configured").skip("the channel is not configured; see configure.accepts")
	default:
		s.run(x)
	}
	x.vendor.play(nil)
	x.section.settle()
	x.section.Took = time.Since(began)
	return *x.section
}

// assert begins an assertion; it does not apply until something was checked.
func (x *exam) assert(id, title string) *Assertion {
	a := &Assertion{ID: id, Title: title, Status: NotApplicable}
	x.section.Assertions = append(x.section.Assertions, a)
	return a
}

// revive starts the adapter again if it has died.
func (x *exam) revive() error {
	if x.prog != nil && x.prog.alive() {
		return nil
	}
	return x.restart()
}

// restart replaces the process by a new one, with the channel configured.
func (x *exam) restart() error {
	if x.prog != nil {
		x.prog.kill()
		x.prog = nil
	}
	if err := x.start(); err != nil {
		return fmt.Errorf("start the adapter again: %w", err)
	}
	return nil
}

// maxDeaths ends a section whose calls kill the adapter again and again.
const maxDeaths = 5

// mourn notes that a call ended the process, and starts another. It reports whether the section can go on.
func (x *exam) mourn(a *Assertion, what string) bool {
	a.failf("%s ended the process%s; recover from panics and check what you index", what, lastWords(x.witness.said))
	x.deaths++
	if x.deaths >= maxDeaths {
		a.failf("%d processes died in this section; the rest of it was left out", x.deaths)
		return false
	}
	if err := x.restart(); err != nil {
		a.failf("%v", err)
		return false
	}
	return true
}
