package docs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchbay/test/harness"
)

// commandTimeout is the maximum duration of one command.
const commandTimeout = 2 * time.Minute

func TestCommandsPrintWhatDocumentsShow(t *testing.T) {
	tested := 0
	for _, path := range documents(t) {
		for _, b := range blocks(t, path) {
			if b.info != "console run" {
				continue
			}
			tested++
			t.Run(fmt.Sprintf("%s:%d", relativePath(path), b.line), func(t *testing.T) { console(t, b.text) })
		}
	}
	if tested < 3 {
		t.Errorf("%d blocks \"console run\" in all documents, want at least 3", tested)
	}
}

// console runs the commands of a block, which begin with "$ ". It compares the output of each command with the lines
// after it. In these lines, … matches any text in a line, and a line with only … matches any number of lines.
func console(t *testing.T, text string) {
	t.Helper()
	for _, part := range strings.Split("\n"+text, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		compare(t, command, want, run(t, command))
	}
}

// compare fails the test if the output of a command differs from the document.
func compare(t *testing.T, command, want, got string) {
	t.Helper()
	pattern := regexp.QuoteMeta(strings.TrimRight(want, "\n"))
	pattern = regexp.MustCompile(`(?m)^…$`).ReplaceAllString(pattern, `(?s:.*?)`)
	pattern = strings.ReplaceAll(pattern, "…", `[^\n]*`)
	if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(strings.TrimRight(got, "\n")) {
		t.Errorf("$ %s printed\n%s\nwant\n%s", command, got, want)
	}
}

// run runs a command line in a folder with bin, docs, config.yaml and config_test.yaml of the repository. It returns
// the output.
func run(t *testing.T, command string) string {
	t.Helper()
	dir := t.TempDir()
	for name, target := range map[string]string{
		"bin": filepath.Dir(harness.Binary("patchbay")), "config.yaml": filepath.Join(harness.Root(), "config.yaml"),
		"config_test.yaml": filepath.Join(harness.Root(), "config_test.yaml"), "docs": filepath.Join(harness.Root(), "docs"),
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("bash", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(commandTimeout, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	if err := cmd.Wait(); err != nil {
		fmt.Fprintln(&out, err) // a document must show the exit status of a failed command
	}
	return out.String()
}
