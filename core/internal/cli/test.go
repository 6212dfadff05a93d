package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"patchbay/core/conversationtest"
	"patchbay/core/internal/app"
	"patchbay/core/internal/config"
	"patchbay/core/internal/scenario"
)

// testFlags are the flags of `patchbay test`.
type testFlags struct {
	output   string
	run      string
	coverage float64
}

func newTest(o *options) *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:   "test [FILE...]",
		Short: "Run conversation tests of the routes",
		Long: `Run conversation tests in virtual time, with the gateway's own decisions. No
adapter is started, no network is used, and nothing is stored.

Without FILE, the tests are in the file next to the configuration whose name
ends with _test.yaml: config_test.yaml. A test file names its configuration with
the key config; without it, the name is that of the test file without _test. A
folder stands for all files below it whose names end with _test.yaml.

The exit code is 3 if a test fails, if a file has problems, or if the tests
reach fewer rules than --coverage-min.`,
		Example: `  patchbay test
  patchbay test -o junit docs/examples > report.xml
  patchbay test --coverage-min 100`,
		RunE: func(cmd *cobra.Command, args []string) error { return o.test(cmd.Context(), f, args) },
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "`format`: table, json or junit")
	cmd.Flags().StringVar(&f.run, "run", "", "only tests whose names match `regexp`")
	cmd.Flags().Float64Var(&f.coverage, "coverage-min", 0, "fail if less than `n` % of the rules are reached")
	return cmd
}

func (o *options) test(ctx context.Context, f *testFlags, args []string) error {
	write := conversationtest.Writers[f.output]
	if write == nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("unknown output format %q; want table, json or junit", f.output)}
	}
	only, err := regexp.Compile(f.run)
	if err != nil {
		return &exitError{code: exitUsage, err: fmt.Errorf("--run %q is not a regular expression: %w", f.run, err)}
	}
	if f.coverage < 0 || f.coverage > 100 {
		return &exitError{code: exitUsage, err: errors.New("--coverage-min is a percentage from 0 to 100")}
	}
	files, err := o.testFiles(args)
	if err != nil {
		return failure(err)
	}
	report := &conversationtest.Report{}
	for _, path := range files {
		if err := o.testFile(ctx, report, path, only); err != nil {
			return err
		}
	}
	report.Count()
	if report.Tests == 0 {
		return failure(fmt.Errorf("no test has a name that matches --run %q", f.run))
	}
	if err := write(o.process.Stdout, report); err != nil {
		return failure(fmt.Errorf("write the report: %w", err))
	}
	return o.testResult(report, f.coverage)
}

// testResult returns the error that ends the command if a test has failed or the coverage is too low.
func (o *options) testResult(r *conversationtest.Report, coverage float64) error {
	if r.Failed > 0 {
		return &exitError{code: exitFound, err: fmt.Errorf("%s of %d failed", count(r.Failed, "test"), r.Tests)}
	}
	if r.Coverage < coverage {
		return &exitError{code: exitFound, err: fmt.Errorf("the tests reach %.0f %% of the rules, less than %g %%; "+
			"add tests for: %s", r.Coverage, coverage, strings.Join(r.Unreached(), ", "))}
	}
	return nil
}

// testFiles returns the paths of the test files.
func (o *options) testFiles(args []string) ([]string, error) {
	if len(args) == 0 {
		return []string{strings.TrimSuffix(o.config, filepath.Ext(o.config)) + conversationtest.Suffix}, nil
	}
	var out []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() {
			out = append(out, arg) // a missing file is reported when it is read
			continue
		}
		before := len(out)
		err = filepath.WalkDir(arg, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, conversationtest.Suffix) {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find test files: %w", err)
		}
		if len(out) == before {
			return nil, fmt.Errorf("no file below %s has a name that ends with %s", arg, conversationtest.Suffix)
		}
	}
	return out, nil
}

// testFile runs the tests of one file.
func (o *options) testFile(ctx context.Context, report *conversationtest.Report, path string, only *regexp.Regexp,
) error {
	file, cfg, err := o.loadTests(path)
	if err != nil {
		return err
	}
	policy, giveUp := app.AssumedPolicy(cfg)
	tested := report.File(path, file.Config, ruleNames(cfg))
	for i := range file.Tests {
		t := &file.Tests[i]
		if !only.MatchString(t.Name) {
			continue
		}
		world := scenario.New(scenario.Options{Policy: policy, GiveUp: giveUp}, t.Start)
		tested.Add(conversationtest.Run(ctx, t, world), world.Matched())
	}
	return nil
}

func channelNames(cfg *config.Config) []string {
	var out []string
	for i := range cfg.Channels {
		out = append(out, cfg.Channels[i].Name)
	}
	return out
}

func ruleNames(cfg *config.Config) []string {
	var out []string
	for i := range cfg.Routes {
		out = append(out, cfg.Routes[i].Name)
	}
	return out
}
