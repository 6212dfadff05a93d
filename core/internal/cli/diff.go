package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
	"patchbay/core/internal/recorded"
	"patchbay/core/internal/route"
	"patchbay/core/internal/trail"
)

// maxExamples is the number of examples of a difference that are printed.
const maxExamples = 3

// difference is a group of inputs whose decision changes in the same way.
type difference struct {
	Old      []string           `json:"old"` // rules
	New      []string           `json:"new"`
	Effects  bool               `json:"effects"` // the same rules match, but with other effects
	Count    int                `json:"count"`
	Examples []differentExample `json:"examples"`
}

// differentExample names a recorded input.
type differentExample struct {
	At           time.Time `json:"at"`
	Event        string    `json:"event"`
	Channel      string    `json:"channel"`
	Conversation string    `json:"conversation"`
	Message      string    `json:"message,omitempty"`
}

// diffReport is the result of `patchbay diff`.
type diffReport struct {
	Inputs      int           `json:"inputs"`
	Different   int           `json:"different"`
	Omitted     int           `json:"omitted"`
	Differences []*difference `json:"differences"`
}

func newDiff(o *options) *cobra.Command {
	var last int
	var store string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Show which recorded inputs two configurations decide differently",
		Long: `Let the rules of two configurations decide on the last inputs that the running
gateway has recorded, each in its recorded state, and show the differences by
rule. An input is a message or another event. Nothing is changed.

Inputs of conversations that were opened before the oldest record of the log are
left out. --store reads the inputs from a copy of a store, for example from a
restored backup, instead of the running gateway. The exit code is 3 if there are
differences.`,
		Example: `  patchbay diff config.yaml new.yaml --last 10000`,
		Args:    arguments("OLD", "NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := o.wantsJSON()
			if err != nil {
				return err
			}
			if last < 1 || last > admin.MaxDecisions {
				return &exitError{code: exitUsage,
					err: fmt.Errorf("--last %d: want a number from 1 to %d", last, admin.MaxDecisions)}
			}
			return o.diff(cmd.Context(), args[0], args[1], last, store, asJSON)
		},
	}
	cmd.Flags().IntVar(&last, "last", 1000, "`number` of inputs, at most 100000")
	cmd.Flags().StringVar(&store, "store", "", "read the inputs from a copy of a store in this `folder`")
	return o.withOutput(cmd)
}

func (o *options) diff(ctx context.Context, oldPath, newPath string, last int, store string, asJSON bool) error {
	before, err := o.loadRules(oldPath)
	if err != nil {
		return err
	}
	after, err := o.loadRules(newPath)
	if err != nil {
		return err
	}
	r := &diffReport{Differences: []*difference{}}
	add := func(d *recorded.Decision) { r.add(d, before.Table, after.Table) }
	if store == "" {
		r.Omitted, err = o.eachDecision(ctx, url.Values{"last": {strconv.Itoa(last)}}, add)
	} else {
		r.Omitted, err = storedDecisions(ctx, store, before, last, add)
	}
	if err != nil {
		return err
	}
	slices.SortStableFunc(r.Differences, func(a, b *difference) int { return b.Count - a.Count })
	if asJSON {
		err = o.print(r)
	} else {
		o.writeDiff(r)
	}
	if err == nil && r.Different > 0 {
		err = &exitError{code: exitFound, printed: true, err: errors.New("there are differences")}
	}
	return err
}

// storedDecisions calls f with the last runs of the rules in a copy of a store.
func storedDecisions(
	ctx context.Context, dir string, cfg *config.Config, last int, f func(*recorded.Decision),
) (omitted int, err error) {
	omitted, err = app.Decisions(ctx, dir, cfg, trail.DecisionQuery{Last: last}, func(d *recorded.Decision) error {
		f(d)
		return nil
	})
	if err != nil {
		return 0, failure(err)
	}
	return omitted, nil
}

// add lets both tables decide on a recorded input.
func (r *diffReport) add(d *recorded.Decision, before, after *route.Table) {
	r.Inputs++
	x, y := before.Decide(d.Facts.RouteFacts(before)).Steps, after.Decide(d.Facts.RouteFacts(after)).Steps
	oldNames, newNames := stepNames(x), stepNames(y)
	effects := slices.Equal(oldNames, newNames)
	if effects && slices.EqualFunc(x, y, func(a, b route.Step) bool { return sameEffects(a.Rule, b.Rule) }) {
		return
	}
	r.Different++
	i := slices.IndexFunc(r.Differences, func(g *difference) bool {
		return slices.Equal(g.Old, oldNames) && slices.Equal(g.New, newNames)
	})
	if i < 0 {
		i = len(r.Differences)
		r.Differences = append(r.Differences, &difference{Old: oldNames, New: newNames, Effects: effects})
	}
	g := r.Differences[i]
	if g.Count++; len(g.Examples) < maxExamples {
		g.Examples = append(g.Examples, differentExample{
			At: d.At, Event: d.Facts.Event, Channel: d.Facts.Channel, Conversation: d.Conversation, Message: d.Message,
		})
	}
}

func stepNames(steps []route.Step) []string {
	out := []string{}
	for _, s := range steps {
		out = append(out, s.Rule.Name)
	}
	return out
}

// sameEffects reports whether two rules do the same if they match.
func sameEffects(a, b *route.Rule) bool {
	x, y := *a, *b
	for _, r := range []*route.Rule{&x, &y} {
		r.Name, r.Events, r.From, r.When, r.After = "", nil, nil, "", 0
	}
	return reflect.DeepEqual(x, y)
}

func (o *options) writeDiff(r *diffReport) {
	w := o.process.Stdout
	fmt.Fprintf(w, "%s, %d decided differently\n", count(r.Inputs, "recorded input"), r.Different)
	if r.Omitted > 0 {
		fmt.Fprintf(w, "%s left out: opened before the oldest record\n", count(r.Omitted, "input"))
	}
	for _, g := range r.Differences {
		if g.Effects {
			fmt.Fprintf(w, "%s has other effects: %d\n", ruleList(g.Old), g.Count)
		} else {
			fmt.Fprintf(w, "%s -> %s: %d\n", ruleList(g.Old), ruleList(g.New), g.Count)
		}
		for _, e := range g.Examples {
			id := "conversation " + e.Conversation
			if e.Message != "" {
				id = "message " + e.Message
			}
			fmt.Fprintf(w, "  %s  %s about %s, %s\n", e.At.Format(time.RFC3339), e.Event, e.Channel, id)
		}
	}
}

func ruleList(names []string) string {
	if len(names) == 0 {
		return "no rule"
	}
	return strings.Join(names, ", ")
}
