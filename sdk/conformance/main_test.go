package conformance

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"patchbay/sdk/protocol/pluginpb"
)

const (
	// openSocketEnv is an environment variable. If it is set, the test binary is an adapter that accepts any client.
	openSocketEnv = "CONFORMANCE_OPEN_SOCKET"
	// signerEnv is an environment variable. If it is set, the test binary is the signer of testdata/flawed/signed.
	signerEnv = "CONFORMANCE_SIGNER"
	// selfEnv is the path of flawedProgram.
	selfEnv = "CONFORMANCE_TEST"
)

// flawedProgram is the path of the program that runs as the flawed adapter or its signer: the test binary, or a binary
// without the race detector. A race in the child process would fail no test, and the detector doubles its time.
var flawedProgram string

func TestMain(m *testing.M) {
	if os.Getenv(openSocketEnv) != "" {
		serveAnyClient()
		return
	} else if os.Getenv(signerEnv) != "" {
		signCalls()
		return
	} else if _, ok := os.LookupEnv(flawEnv); ok {
		serveFlawed()
		return
	}
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		panic(err)
	}
	if flawedProgram, err = os.Executable(); err == nil && hasRaceDetector() {
		flawedProgram = filepath.Join(dir, "flawed")
		build := exec.Command("go", "test", "-c", "-vet=off", "-o", flawedProgram, ".")
		build.Env, build.Stderr = append(os.Environ(), "CGO_ENABLED=0"), os.Stderr // as in a release
		err = build.Run()
	}
	if err == nil {
		err = os.Setenv(selfEnv, flawedProgram)
	}
	if err != nil {
		panic(fmt.Sprintf("build the flawed adapter: %v", err))
	}
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(8*runtime.GOMAXPROCS(0))); err != nil { // the tests mostly wait
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

func hasRaceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// serveAnyClient serves an adapter without abilities that requires no client certificate.
func serveAnyClient() {
	cert, err := clientCertificate()
	if err != nil {
		panic(err)
	}
	socket := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "open")
	l, err := net.Listen("unix", socket)
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}})))
	pluginpb.RegisterPluginServiceServer(server, noAbilities{})
	fmt.Printf("1|1|unix|%s|grpc|%s\n", socket, base64.RawStdEncoding.EncodeToString(cert.Certificate[0]))
	_ = server.Serve(l) // until it is killed
}

// noAbilities is an adapter without abilities.
type noAbilities struct {
	pluginpb.UnimplementedPluginServiceServer
}

func (noAbilities) Describe(context.Context, *pluginpb.DescribeRequest) (*pluginpb.DescribeResponse, error) {
	return &pluginpb.DescribeResponse{SettingsSchema: []byte(`{"type": "object"}`)}, nil
}

func (noAbilities) Configure(context.Context, *pluginpb.ConfigureRequest) (*pluginpb.ConfigureResponse, error) {
	return &pluginpb.ConfigureResponse{}, nil
}
