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
	"strconv"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"patchbay/sdk/protocol/pluginpb"
)

// flawed is the path of the built adapter whose flaws the tests choose.
var flawed string

// openSocketEnv makes the test binary an adapter that accepts any client.
const openSocketEnv = "CONFORMANCE_OPEN_SOCKET"

func TestMain(m *testing.M) {
	if os.Getenv(openSocketEnv) != "" {
		serveAnyClient()
		return
	}
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		panic(err)
	}
	flawed = filepath.Join(dir, "flawed")
	build := exec.Command("go", "build", "-o", flawed, "patchbay/sdk/conformance/flawed")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(fmt.Sprintf("build the flawed adapter: %v", err))
	}
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(8*runtime.GOMAXPROCS(0))); err != nil { // tests mostly wait
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// serveAnyClient serves an adapter without abilities, which asks for no client certificate.
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
	pluginpb.RegisterPluginServiceServer(server, idle{})
	fmt.Printf("1|1|unix|%s|grpc|%s\n", socket, base64.RawStdEncoding.EncodeToString(cert.Certificate[0]))
	_ = server.Serve(l) // until it is killed
}

// idle is an adapter without abilities.
type idle struct {
	pluginpb.UnimplementedPluginServiceServer
}

func (idle) Describe(context.Context, *pluginpb.DescribeRequest) (*pluginpb.DescribeResponse, error) {
	return &pluginpb.DescribeResponse{SettingsSchema: []byte(`{"type": "object"}`)}, nil
}

func (idle) Configure(context.Context, *pluginpb.ConfigureRequest) (*pluginpb.ConfigureResponse, error) {
	return &pluginpb.ConfigureResponse{}, nil
}
