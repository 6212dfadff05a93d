package cli_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/core/internal/cli"
)

var update = flag.Bool("update", false, "write the golden files of the mistakes")

// Each file in testdata/mistakes has one mistake. Its golden file contains the output of `patchbay check`.
func TestCheckFindsMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for name, value := range map[string]string{
		"PLUGINS": plugins, "TOKEN": "canary-token", "TOKEN_WITH_LINE_END": "canary\n",
		"PUSH_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG",
	} {
		t.Setenv(name, value)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			got := check(t, file)
			if strings.Contains(got, "canary") || strings.Contains(got, "secret-of-bom") {
				t.Errorf("the output contains a secret:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got); run with -update:\n%s", diff)
			}
		})
	}
}

// check returns the output of `patchbay check` for a file, with the exit code.
func check(t *testing.T, file string) string {
	t.Helper()
	stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	var stdout strings.Builder
	code := cli.Main(t.Context(), cli.Process{Args: []string{"check", "-c", file}, Stdout: &stdout, Stderr: stderr,
		Unhook: func() {}})
	output, err := os.ReadFile(stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s%sexit code %d\n", output, stdout.String(), code)
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(dir+"/", "", filepath.Dir(file)+"/", "").Replace(got)
}
