package cli_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"patchbay/core/internal/cli"
	"patchbay/sandbox/gateway"
)

// suite builds the adapters once before the scripts run.
type suite struct{ *testing.M }

var plugins string

func (s suite) Run() int {
	dir, err := os.MkdirTemp("", "plugins-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(os.PathSeparator), "patchbay/plugins/native",
		"patchbay/plugins/botwebhook", "patchbay/plugins/aicc")
	build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr // as in a release
	if err := build.Run(); err != nil {
		panic(fmt.Sprintf("build the adapters: %v", err))
	}
	plugins = dir
	return s.M.Run()
}

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"patchbay": patchbay, "request": request})
}

// request makes a request and prints the status and the body of the response: request METHOD URL [BODY].
func request() {
	body := "{}"
	if len(os.Args) > 3 {
		body = os.Args[3]
	}
	req, err := http.NewRequest(os.Args[1], os.Args[2], strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	response, err := io.ReadAll(resp.Body)
	fmt.Printf("%d\n%s", resp.StatusCode, response)
	if err != nil || resp.Body.Close() != nil {
		os.Exit(1)
	}
}

// patchbay runs the gateway's program with a fixed version.
func patchbay() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Process{Args: os.Args[1:], Stdout: os.Stdout, Stderr: os.Stderr, Version: "1.2.3",
		Unhook: stop})
	stop()
	os.Exit(code)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("PLUGINS", plugins)
			e.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0") // 1 s for each command without it
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": compareExitCode, "ports": reserveAddresses, "await": waitForStatus200,
			"until": waitForOutput, "hangup": sendHangup,
		},
		// rewrites the expected output of cmp
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// compareExitCode is the command "exits": it runs a program and compares the exit code: exits 3 patchbay check.
func compareExitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got := fmt.Sprint(code); got != args[0] {
		ts.Fatalf("%s exits with %s, want %s", args[1], got, args[0])
	}
}

// reserveAddresses is the command "ports": it sets environment variables to free addresses: ports NAME...
func reserveAddresses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: ports name...")
	}
	for _, name := range args {
		address, release, err := gateway.FreeAddress()
		ts.Check(err)
		ts.Defer(release)
		ts.Setenv(name, address)
	}
}

// waitForOutput is the command "until": it runs a program repeatedly until the output matches: until pattern program
// [args...].
func waitForOutput(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until pattern program [args...]")
	}
	want := regexp.MustCompile(args[0])
	tick, deadline := time.NewTicker(50*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for {
		err := ts.Exec(args[1], args[2:]...)
		got := ts.ReadFile("stdout")
		if err == nil && want.MatchString(got) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%q does not print %s: %v\n%s", args[1:], want, err, got)
		}
	}
}

// sendHangup is the command "hangup": it sends SIGHUP to the background programs.
func sendHangup(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: hangup")
	}
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGHUP))
	}
}

// waitForStatus200 is the command "await": it calls a URL until the response has status 200: await http://…
func waitForStatus200(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await url")
	}
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for {
		resp, err := http.Get(args[0])
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s does not answer with 200: %v", args[0], err)
		}
	}
}
