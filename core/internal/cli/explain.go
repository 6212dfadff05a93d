package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/admin"
	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/route"
	"patchbay/core/internal/scenario"
)

// explained is a run of the rules with an explanation for each rule.
type explained struct {
	*recorded.Decision
	Explanations []route.Explanation `json:"explanations"`
}

func newExplain(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain FILE|FILE:LINE|ID",
		Short: "Explain why rules match an input or not",
		Long: `Explain which rule of the configuration matches an input, and why each other
rule does not: every term of its condition with its value.

FILE is a YAML or JSON file with the input: event, channel, text, owner and the
other variables of conditions. FILE:LINE is a step of a conversation test; the
steps before it are performed first. ID is the gateway's id of a message or a
conversation that the running gateway has recorded; the rules run on it in its
recorded state. 'patchbay trace' finds it for the id of a vendor or a customer.`,
		Example: `  patchbay explain config_test.yaml:21
  patchbay explain 0190d1c2-...`,
		Args: arguments("FILE|FILE:LINE|ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			list, table, err := o.decisionsOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return o.explain(list, table, asJSON)
		},
	}
	return o.withOutput(cmd)
}

// decisionsOf returns the runs of the rules that the argument of `explain` selects, and the rules.
func (o *options) decisionsOf(ctx context.Context, arg string) ([]*recorded.Decision, *route.Table, error) {
	if i := strings.LastIndexByte(arg, ':'); i > 0 {
		if line, err := strconv.Atoi(arg[i+1:]); err == nil {
			return o.stepDecisions(ctx, arg[:i], line)
		}
	}
	cfg, err := o.loadRules(o.config)
	if err != nil {
		return nil, nil, err
	}
	if data, err := os.ReadFile(arg); err == nil {
		f, problems := recorded.ParseFacts(arg, data, cfg.Roles())
		if len(problems) > 0 {
			return nil, nil, o.refuse(problems)
		}
		if f.Now.IsZero() {
			f.Now = time.Now()
		}
		return []*recorded.Decision{{Facts: *f, Rules: f.Decide(cfg.Table)}}, cfg.Table, nil
	}
	var list []*recorded.Decision
	_, err = o.eachDecision(ctx, url.Values{"id": {arg}}, func(d *recorded.Decision) { list = append(list, d) })
	return list, cfg.Table, err
}

// loadRules loads a configuration for its rules. It needs no secrets.
func (o *options) loadRules(path string) (*config.Config, error) {
	cfg, err := config.Load(config.Options{Path: path, NoSecrets: true})
	if problems, ok := errors.AsType[*config.Problems](err); ok {
		return nil, o.refuse(problems.List)
	}
	return cfg, err
}

// refuse prints problems and returns the error that ends the command.
func (o *options) refuse(problems []config.Problem) error {
	for _, p := range problems {
		fmt.Fprintln(o.process.Stderr, p)
	}
	return &exitError{code: exitFound, err: errors.New(count(len(problems), "problem"))}
}

// stepDecisions performs a conversation test up to the step at a line, and returns the runs of the rules in this step.
func (o *options) stepDecisions(
	ctx context.Context, path string, line int,
) ([]*recorded.Decision, *route.Table, error) {
	file, cfg, err := o.loadTests(path)
	if err != nil {
		return nil, nil, err
	}
	t, last := file.StepAt(line)
	if t == nil {
		return nil, nil, failure(fmt.Errorf("line %d of %s belongs to no step; %s", line, path, stepLines(file)))
	}
	policy, giveUp := app.AssumedPolicy(cfg)
	w := scenario.New(scenario.Options{Policy: policy, GiveUp: giveUp}, t.Start)
	var before uint64
	for i := range t.Steps[:last+1] {
		before = w.Records()
		if _, err := w.Do(ctx, &t.Steps[i]); err != nil {
			return nil, nil, failure(fmt.Errorf("%s:%d: %w", path, t.Steps[i].Position().Line, err))
		}
	}
	list := w.Decisions()
	first := slices.IndexFunc(list, func(d *recorded.Decision) bool { return d.Seq > before })
	if first < 0 {
		return nil, nil, failure(fmt.Errorf("no rules are run in the step at %s:%d", path, line))
	}
	return list[first:], cfg.Table, nil
}

// stepLines describes the lines of a file that contain steps.
func stepLines(file *conversationtest.File) string {
	var first, last, steps int
	for i := range file.Tests {
		for j := range file.Tests[i].Steps {
			last = file.Tests[i].Steps[j].Position().Line
			if steps++; steps == 1 {
				first = last
			}
		}
	}
	return fmt.Sprintf("the file has %d lines and %s, which begin at lines %d to %d", file.Lines, count(steps, "step"),
		first, last)
}

// eachDecision calls f with the recorded runs of the rules of the running gateway, oldest first. It returns the number
// of inputs that the gateway left out because their conversations were opened before the oldest record.
func (o *options) eachDecision(ctx context.Context, q url.Values, f func(*recorded.Decision)) (omitted int, err error) {
	body, err := o.open(ctx, http.MethodGet, "/api/decisions?"+q.Encode())
	if err != nil {
		return 0, err
	}
	defer body.Close()
	for dec := json.NewDecoder(body); ; {
		var line admin.DecisionLine
		switch err := dec.Decode(&line); {
		case errors.Is(err, io.EOF):
			return 0, failure(errors.New("the gateway's response is incomplete; its log output has the cause"))
		case err != nil:
			return 0, failure(fmt.Errorf("read the gateway's response: %w", err))
		case line.Omitted != nil:
			return *line.Omitted, nil
		}
		f(line.Decision)
	}
}

func (o *options) explain(list []*recorded.Decision, table *route.Table, asJSON bool) error {
	out := make([]explained, 0, len(list))
	for _, d := range list {
		out = append(out, explained{d, table.Explain(d.Facts.RouteFacts(table))})
	}
	if asJSON {
		return o.print(out)
	}
	for i := range out {
		out[i].write(o.process.Stdout)
	}
	return nil
}

func (e *explained) write(w io.Writer) {
	f := &e.Facts
	at := ""
	if !e.At.IsZero() {
		at = " at " + e.At.Format(time.RFC3339)
	}
	fmt.Fprintf(w, "%s about %s (%s)%s\n", f.Event, f.Channel, f.Role, at)
	if f.Text != "" {
		fmt.Fprintf(w, "  text %q\n", f.Text)
	}
	fmt.Fprintf(w, "  owner %s (%s), home %s", cmp.Or(f.Owner, "-"), cmp.Or(f.OwnerRole, "-"), cmp.Or(f.Home, "-"))
	if f.Pending != "" {
		fmt.Fprintf(w, ", offered to %s", f.Pending)
	}
	fmt.Fprintln(w)
	var matching []string
	for i := range e.Explanations {
		x := &e.Explanations[i]
		if x.Matches && x.Reached {
			matching = append(matching, x.Rule)
		}
		writeExplanation(w, x)
	}
	if len(matching) == 0 {
		fmt.Fprintln(w, "  no rule matches: the default path")
	}
	if !slices.Equal(matching, e.Rules) {
		fmt.Fprintf(w, "  when it was recorded, it matched %s\n", ruleList(e.Rules))
	}
}

func writeExplanation(w io.Writer, x *route.Explanation) {
	switch {
	case x.Matches && x.Reached:
		fmt.Fprintf(w, "  + %s matches: %s\n", x.Rule, x.Effect)
	case x.Matches:
		fmt.Fprintf(w, "  . %s would match, but an earlier rule ended the evaluation\n", x.Rule)
	default:
		fmt.Fprintf(w, "  - %s: %s\n", x.Rule, x.Reason)
	}
	if x.When != nil {
		writeTerm(w, x.When, "      ")
	}
}

func writeTerm(w io.Writer, t *route.Term, indent string) {
	line := fmt.Sprintf("%s%s  %s", indent, t.Value, t.Text)
	var values []string
	for _, v := range t.Values {
		values = append(values, v.Text+" is "+v.Value)
	}
	if len(values) > 0 {
		line += "  (" + strings.Join(values, ", ") + ")"
	}
	fmt.Fprintln(w, line)
	for i := range t.Terms {
		writeTerm(w, &t.Terms[i], indent+"  ")
	}
}

// loadTests reads a file of conversation tests and its configuration, which needs no secrets.
func (o *options) loadTests(path string) (*conversationtest.File, *config.Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, failure(fmt.Errorf("read the conversation tests: %w", err))
	}
	file, problems := conversationtest.Parse(path, data)
	if len(problems) > 0 {
		return nil, nil, o.refuse(problems)
	}
	cfg, err := o.loadRules(file.Config)
	if err != nil {
		return nil, nil, err
	}
	if problems := file.CheckNames(channelNames(cfg), ruleNames(cfg)); len(problems) > 0 {
		return nil, nil, o.refuse(problems)
	}
	return file, cfg, nil
}
