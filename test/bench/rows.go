package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// row is a group of measurements with separate gateways.
type row struct {
	name string
	run  func(ctx context.Context, b *bench, d time.Duration) error
}

var allRows = []row{
	{"rates", rates}, {"overload", overload}, {"rules", textRules}, {"conversations", conversations}, {"cap", storeCap},
	{"fsync", slowSync}, {"isolation", isolation},
}

// measureRows runs the rows with these names, or all rows if there are no names. The rows print their results.
func measureRows(ctx context.Context, only []string, d time.Duration) error {
	var failed error
	for _, r := range allRows {
		if len(only) > 0 && !slices.Contains(only, r.name) {
			continue
		}
		b, err := newBench(ctx)
		if err != nil {
			return err
		}
		if err := r.run(ctx, b, d); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", r.name, err))
		}
		b.close()
	}
	return failed
}

// printValue prints a line name=value. A value of at least 1 has at least four significant digits; a smaller value has
// three decimals.
func printValue(value float64, name string, args ...any) {
	decimals := 3 - int(math.Floor(math.Log10(max(1, math.Abs(value)))))
	fmt.Printf(name+"=%s\n", append(args, strconv.FormatFloat(value, 'f', max(0, decimals), 64))...)
}

// rates measures the start of a gateway, and the loads of the flag -loads.
func rates(ctx context.Context, b *bench, d time.Duration) error {
	g, err := b.start(ctx, "gateway", *bin, "")
	if err != nil {
		return err
	}
	printValue(ms(g.started), "start_to_ready_ms")
	printValue(g.idleMemory, "memory_idle_mb")
	for name := range strings.SplitSeq(*loads, ",") {
		run, err := b.loadNamed(name, d)
		if err != nil {
			return err
		}
		rounds, err := b.alternate(ctx, run, b.forwarder, g)
		if err != nil {
			return err
		}
		for _, figure := range figureNames {
			printValue(median(rounds["forwarder"], figure), "%s_%s_forwarder", figure, name)
			printValue(median(rounds["gateway"], figure), "%s_%s", figure, name)
		}
		printValue(cpuRatio(rounds, "gateway", "forwarder"), "cpu_ratio_%s", name)
	}
	return nil
}

// cpuRatio returns the CPU time per message of one program divided by that of another one.
func cpuRatio(rounds map[string][]figures, program, base string) float64 {
	return median(rounds[program], cpuPer) / median(rounds[base], cpuPer)
}

// overload measures a load that is more than the gateway can deliver, between two measurements at saturation.
func overload(ctx context.Context, b *bench, d time.Duration) error {
	g, err := b.start(ctx, "gateway", *bin, "")
	if err != nil {
		return err
	}
	sizes := []int{*users}
	if *full {
		sizes = append(sizes, 50_000)
	}
	const length = 15 * time.Second
	for _, g.users = range sizes {
		for name, hold := range map[string]time.Duration{"overload": 0, "overload_after_stall": 3 * time.Second} {
			name = fmt.Sprintf("%s_%d_users", name, g.users)
			var of [3]figures
			for i, run := range []load{saturate(*senders, d), b.overload(length, hold), saturate(*senders, d)} {
				if of[i], err = b.measure(ctx, g, run); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			normal, over := []figures{of[0], of[2]}, of[1]
			printValue(over["accepted"]/length.Seconds(), "%s_accepted_per_second", name)
			printValue(over["refused"], "%s_refused", name)
			printValue(over[perSecond], "%s_delivered_per_second", name)
			printValue(over[perSecond]/median(normal, perSecond), "%s_delivered_ratio_to_%d_senders", name, *senders)
			printValue(over[cpuPer], "%s_cpu_us_per_message", name)
			printValue(over[cpuPer]/median(normal, cpuPer), "%s_cpu_ratio_to_%d_senders", name, *senders)
			printValue(over["end_to_end_p50_ms"]/1000, "%s_age_p50_s", name)
			printValue(over["end_to_end_max_ms"]/1000, "%s_age_max_s", name)
		}
	}
	return nil
}

// textRules compares a gateway with many rules about the text, which do not match, with a gateway with one such rule.
func textRules(ctx context.Context, b *bench, d time.Duration) error {
	counts := []int{1, 1000}
	if *full {
		counts = append(counts, 10_000)
	}
	for _, n := range counts {
		if _, err := b.start(ctx, strconv.Itoa(n), *bin, rules(n)); err != nil {
			return err
		}
	}
	rounds, err := b.alternate(ctx, saturate(*senders, d), b.gateways...)
	for _, n := range counts[:len(counts)*min(1, len(rounds))] {
		printValue(median(rounds[strconv.Itoa(n)], cpuPer), "cpu_us_per_message_rules_%d", n)
		printValue(median(rounds[strconv.Itoa(n)], perSecond), "messages_per_second_rules_%d", n)
		printValue(cpuRatio(rounds, strconv.Itoa(n), "1"), "cpu_ratio_rules_%d_to_1", n)
	}
	return err
}

// rules returns n rules with conditions on the text: mentioned words, contained texts and regular expressions, a third
// each. The words are random.
func rules(n int) string {
	var b strings.Builder
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		letters := make([]byte, 5+random.IntN(6))
		for i := range letters {
			letters[i] = 'a' + byte(random.IntN(26))
		}
		return string(letters)
	}
	b.WriteString("routes:\n")
	for i := range n {
		condition := fmt.Sprintf("mentions([%q, %q, %q])", word(), word(), word())
		switch i % 3 {
		case 1:
			condition = fmt.Sprintf("text.contains(%q)", word()+" "+word())
		case 2:
			condition = fmt.Sprintf(`text.matches(r"(?i)\b%s[ -]?\d{4,8}\b")`, word())
		}
		fmt.Fprintf(&b, "  - {name: rule-%d, from: customer, when: '%s', pass: faq}\n", i, condition)
	}
	return b.String()
}
