package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"patchbay/sandbox/gateway"
)

func TestMain(m *testing.M) {
	if behavior := os.Getenv("SANDBOX_TEST_GATEWAY"); behavior != "" {
		os.Exit(runFakeGateway(behavior))
	}
	goleak.VerifyTestMain(m)
}

// runFakeGateway is a gateway that is ready and responds 200 to all calls until SIGINT. If behavior is "exits", it ends
// immediately.
func runFakeGateway(behavior string) int {
	if behavior == "exits" {
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listen, admin, err := gateway.Addresses(os.Args[len(os.Args)-1]) // run --config FILE
	if err != nil {
		return 3
	}
	for _, address := range []string{listen, admin} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return 4
		}
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	}
	<-ctx.Done()
	return 0
}

// fakeGateway returns the path of a program that runs a fake gateway when this test starts it.
func fakeGateway(t *testing.T, behavior string) string {
	t.Helper()
	t.Setenv("SANDBOX_TEST_GATEWAY", behavior)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return self
}

// The complete demo needs a real gateway: make demo runs it.
func TestDemoErrorNamesTheFailedStep(t *testing.T) {
	for behavior, want := range map[string]string{
		"serves": `step 2 failed, "the bot answers the customer's hello"`, "exits": `step 1 failed, "the gateway starts"`,
	} {
		t.Run(behavior, func(t *testing.T) {
			var out bytes.Buffer
			args := []string{"demo", "--gateway-bin", fakeGateway(t, behavior), "--config", "../config.yaml", "--within", "2s"}
			err := run(t.Context(), args, &out, io.Discard)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("err = %v, want one with %s", err, want)
			}
			if (behavior == "exits") != errors.Is(err, gateway.ErrEnded) ||
				!strings.Contains(out.String(), "End of the gateway's log:") {
				t.Errorf("err = %v; printed:\n%s", err, out.String())
			}
		})
	}
}

func TestHelpNamesTheCommandsAndTheFaults(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "--help"}, {"demo", "--help"}} {
		var out bytes.Buffer
		if err := run(t.Context(), args, io.Discard, &out); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%v: err = %v, want the help", args, err)
		}
		for _, want := range []string{
			"\n  sandbox run [flags] ", "\n  sandbox demo [flags] ", "POST /faults", "Flags of sandbox",
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: the help does not contain %q:\n%s", args, want, out.String())
			}
		}
	}
}
