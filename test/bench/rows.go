package main

import (
	"context"
	"fmt"
	"time"
)

// measureAll makes all measurements and prints the results.
func measureAll(ctx context.Context, loads []string, d time.Duration) error {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.close()
	if err := b.start(ctx, "gateway", *bin, ""); err != nil {
		return err
	}
	b.subjects[1].printMemory(fmt.Sprintf("%d_conversations", *users))
	for _, name := range loads {
		run, err := loadNamed(name, d)
		if err != nil {
			return err
		}
		rounds, err := b.alternate(ctx, *rounds, run)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, figure := range names {
			f, g := median(rounds["forwarder"], figure), median(rounds["gateway"], figure)
			fmt.Printf("%s_%s_forwarder=%.4g\n%s_%s_gateway=%.4g\n", figure, name, f, figure, name, g)
		}
		fmt.Printf("cpu_ratio_%s=%.2f\n", name, median(rounds["gateway"], names[0])/median(rounds["forwarder"], names[0]))
	}
	return nil
}
