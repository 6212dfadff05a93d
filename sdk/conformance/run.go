package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// Options selects the adapter, the test data and the checks of a run.
type Options struct {
	// Command is the adapter's program, Args its arguments. Env is added to the few variables that the gateway passes on.
	Command string
	Args    []string
	Env     []string
	// Data is the folder with the test data. It has a channel.yaml, or a folder with a channel.yaml for each channel.
	Data string
	// Only are names of groups or ids of checks; none means all.
	Only []string
	// Update writes golden files where the results differ from them.
	Update bool
	// Messages is the number of messages that the group memory sends; 0 means DefaultMessages.
	Messages int
	// Progress, if it is not nil, is called after each group. Calls are not concurrent.
	Progress func(channel string, g *Group)

	dial []grpc.DialOption // tests use it to change the adapter's messages
}

// DefaultMessages is the number of messages that the group memory sends after a warm-up.
const DefaultMessages = 10_000

// Times of the suite. A call that takes longer counts as hanging.
const (
	startTimeout   = 10 * time.Second
	callTimeout    = 10 * time.Second // of a call that nothing disturbs
	receiveTimeout = 5 * time.Second
	shortTimeout   = 500 * time.Millisecond
	soon           = 3 * time.Second // to return after a context ended
	grace          = 3 * time.Second // to send a result after a call's timeout
	endTimeout     = 5 * time.Second // for a process to end
	settleTime     = 5 * time.Second
)

// ErrUnknownCheck means that Options.Only names a group or check that does not exist.
var ErrUnknownCheck = errors.New("unknown group or check")

// Run tests the channels of an adapter concurrently, and returns the report. An error means that there was no test: the
// data can't be read, or the program does not start. Faults of the adapter are in the report; see Report.Status.
func Run(ctx context.Context, o Options) (*Report, error) {
	for _, name := range o.Only {
		if !slices.ContainsFunc(groups, func(g group) bool { return g.isSelected([]string{name}) }) {
			return nil, fmt.Errorf("%w %q; the groups are %s", ErrUnknownCheck, name, strings.Join(Groups(), " "))
		}
	}
	channels, err := loadChannels(o.Data)
	if err != nil {
		return nil, err
	}
	if o.Command, err = filepath.Abs(o.Command); err != nil {
		return nil, err
	}
	o.Messages = cmp.Or(max(o.Messages, 0), DefaultMessages)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	report := &Report{Channels: make([]*Channel, len(channels))}
	var all sync.WaitGroup
	var mu sync.Mutex // for Options.Progress
	for i, data := range channels {
		all.Go(func() {
			p := &probe{ctx: ctx, cancel: cancel, o: &o, data: data, witness: &witness{}}
			ch, err := p.runChannel(func(g *Group) {
				mu.Lock()
				defer mu.Unlock()
				if o.Progress != nil {
					o.Progress(data.Channel, g)
				}
			})
			if err != nil {
				cancel(fmt.Errorf("test %s as channel %s: %w", filepath.Base(o.Command), data.Channel, err))
			}
			report.Channels[i] = ch
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	report.sum()
	return report, nil
}

func (p *probe) runChannel(progress func(*Group)) (ch *Channel, err error) {
	if p.vendor, err = newVendor("127.0.0.1"); err != nil {
		return nil, err
	}
	defer p.vendor.close()
	if err = p.data.loadMessages(strings.NewReplacer(vendorMark, p.vendor.base)); err == nil {
		p.signer, err = newSigner(p.ctx, p.data)
	}
	if err != nil {
		return nil, err
	}
	defer p.signer.close()
	for _, x := range p.data.out {
		p.witness.addSecrets(x.tokens()...)
	}
	if err = p.startSubject(); err != nil {
		return nil, err
	}
	defer func() { p.subject.close() }()
	if !p.can("receive") {
		p.data.in = nil
	}
	ch = &Channel{
		Name: p.data.Channel, Role: p.data.Role, Abilities: p.subject.desc.GetAbilities(),
		Capabilities: p.subject.capabilities(), Endpoint: p.subject.endpoint, desc: p.subject.desc,
	}
	leftOut := ""
	for _, g := range groups {
		if !g.isSelected(p.o.Only) || p.ctx.Err() != nil {
			continue
		}
		p.leftOut = leftOut
		done := p.runGroup(g)
		if g.Name == "wire" && done.Status == Fail && p.hangs+p.deaths > 0 {
			leftOut = "left out: no call had a result; see wire.results"
		}
		ch.Groups = append(ch.Groups, done)
		progress(done)
	}
	return ch, nil
}

func (p *probe) runGroup(g group) *Group {
	began := time.Now()
	out, number := &Group{Name: g.Name, Title: g.Title}, map[Status]int{}
	p.shared, p.deaths, p.hangs = map[string]any{}, 0, 0
	for _, c := range g.Checks {
		if c.isSelected(g.Name, p.o.Only) {
			p.run(g, c)
			out.Checks = append(out.Checks, p.result)
			number[p.result.Status]++
		}
	}
	p.vendor.follow(&script{})
	for ; len(p.others) > 0; p.others = p.others[1:] {
		q := p.others[0]
		if q.vendor.close(); q.subject != p.subject {
			q.subject.close()
		}
	}
	out.Passed, out.Failed = number[Pass], number[Fail]
	out.Status, out.Took = statusOf(out.Passed, out.Failed), time.Since(began)
	return out
}

func (p *probe) run(g group, c check) {
	p.result = &Result{ID: g.Name + "." + c.ID, Title: c.Title, Todo: c.Todo, Status: NotApplicable}
	var running sync.WaitGroup
	running.Go(func() { // a check can end its goroutine at any place
		if p.leftOut != "" {
			p.skip("%s", p.leftOut)
		}
		if !p.subject.alive() {
			p.restart()
		}
		if e := p.subject.endpoint.GetError(); e != nil && !c.Early {
			p.skip("the channel is not configured (%s %s); see configure.accepts", e.GetField(), e.GetText())
		}
		if !needs[c.Needs](p) {
			p.skip("the condition of the check is not met: %s", c.Needs)
		}
		checks[p.result.ID](p)
	})
	running.Wait()
}

// T is the part of *testing.T that Test needs.
type T interface {
	Helper()
	Context() context.Context
	TempDir() string
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Test builds the adapter of a Go package, tests it, and fails t for each failed check. Options.Command names the
// package ("." for the one under test); without Options.Data, the test data are in testdata/conformance. It returns the
// report.
//
//	func TestConformance(t *testing.T) { conformance.Test(t, conformance.Options{Command: "."}) }
func Test(t T, o Options) *Report {
	t.Helper()
	program := filepath.Join(t.TempDir(), "adapter")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, o.Command).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", o.Command, err, out)
	}
	o.Command = program
	if o.Data == "" {
		o.Data = filepath.Join("testdata", "conformance")
	}
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatalf("the adapter can't be tested: %v", err)
	}
	var text strings.Builder
	if err := report.Print(&text); err != nil || report.Status != Pass {
		t.Errorf("the adapter does not conform\n%s", text.String())
	}
	return report
}
