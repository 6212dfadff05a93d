package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// compare measures two builds of the gateway, A and B, and the forwarder in turn. For each figure it prints the median
// and the spread of each program, the ratio of the medians of B and A, and the smallest and largest ratio in one round.
// The spread is (largest - smallest) ÷ median.
func compare(ctx context.Context, a, b string, loads []string, d time.Duration) error {
	bench, err := newBench(ctx)
	if err != nil {
		return err
	}
	defer bench.close()
	for name, bin := range map[string]string{"a": a, "b": b} {
		if _, err := bench.start(ctx, name, bin, ""); err != nil {
			return err
		}
	}
	subjects := append(bench.gateways, bench.forwarder)
	for _, name := range loads {
		run, err := bench.loadNamed(name, d)
		if err != nil {
			return err
		}
		rounds, err := bench.alternate(ctx, run, subjects...)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, figure := range figureNames {
			fmt.Println(comparison(name, figure, rounds))
		}
		fmt.Printf("%-10s cpu_ratio_to_forwarder a=%.2f b=%.2f\n", name,
			cpuRatio(rounds, "a", "forwarder"), cpuRatio(rounds, "b", "forwarder"))
	}
	return nil
}

func comparison(load, figure string, rounds map[string][]figures) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s %-19s", load, figure)
	for _, s := range []string{"forwarder", "a", "b"} {
		m, all := median(rounds[s], figure), values(rounds[s], figure)
		fmt.Fprintf(&b, " %s=%.4g (spread %.0f%%)", s, m, 100*(all[len(all)-1]-all[0])/m)
	}
	var ratios []figures
	for i := range rounds["a"] {
		ratios = append(ratios, figures{"": rounds["b"][i][figure] / rounds["a"][i][figure]})
	}
	each := values(ratios, "")
	fmt.Fprintf(&b, " b/a=%.3f (rounds %.3f to %.3f)", median(rounds["b"], figure)/median(rounds["a"], figure),
		each[0], each[len(each)-1])
	return b.String()
}
