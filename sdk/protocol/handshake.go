package protocol

import (
	"context"
	"os"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"patchbay/sdk/protocol/pluginpb"
)

// Values of the handshake. They never change: if they differed between versions, go-plugin would report "not a plugin"
// instead of a version mismatch.
const (
	// CookieKey and CookieValue are the name and value of an environment variable that the gateway sets. An adapter
	// that is started by hand reports an error. This is not a security measure.
	CookieKey   = "PATCHBAY_PLUGIN"
	CookieValue = "c7a1f5d4e0b24c5e8a8f3b8e2d6b90b7"
	// PluginName is the name of the service in go-plugin's plugin set.
	PluginName = "adapter"
)

// Version is the protocol version in the handshake. There is one version so far.
const Version = 1

// Environment variables that the gateway sets for a plugin process.
const (
	// LogLevelEnv is the level of the adapter's logger: debug, info, warn or error.
	LogLevelEnv = "PATCHBAY_LOG_LEVEL"
	// ParentEnv is the process id of the gateway. The adapter exits when its parent is another process.
	ParentEnv = "PATCHBAY_PARENT"
)

// Limits of the protocol.
const (
	// MaxMessageBytes limits the size of one gRPC message, in both directions.
	MaxMessageBytes = 8 << 20
	// StreamWindow and ConnectionWindow are the flow-control windows of both sides, in bytes. They are fixed, so that
	// gRPC does not send pings to measure a local socket.
	StreamWindow     = 1 << 20
	ConnectionWindow = 4 << 20
	// MaxFrameCalls and MaxFrameBytes limit a frame. A call larger than MaxFrameBytes has a separate frame.
	MaxFrameCalls = 64
	MaxFrameBytes = 256 << 10
	// MaxChunkBytes limits the data in one message of Fetch and Attach.
	MaxChunkBytes = 256 << 10
)

// Handshake returns go-plugin's handshake configuration, for both sides.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{MagicCookieKey: CookieKey, MagicCookieValue: CookieValue}
}

// Plugins returns go-plugin's versioned plugin sets. An adapter passes its service, and the gateway passes nil.
func Plugins(service pluginpb.PluginServiceServer) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{Version: {PluginName: &grpcPlugin{service: service}}}
}

// grpcPlugin implements go-plugin's interface for the service.
type grpcPlugin struct {
	plugin.NetRPCUnsupportedPlugin
	service pluginpb.PluginServiceServer
}

var _ plugin.GRPCPlugin = (*grpcPlugin)(nil)

// GRPCServer registers the service in the adapter's process.
func (p *grpcPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	pluginpb.RegisterPluginServiceServer(s, p.service)
	return nil
}

// GRPCClient returns the pluginpb.PluginServiceClient in the gateway's process.
func (p *grpcPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, cc *grpc.ClientConn) (any, error) {
	return pluginpb.NewPluginServiceClient(cc), nil
}

// InheritedEnv returns the variables of this process's environment that an adapter gets. The others may be secrets.
func InheritedEnv() (env []string) {
	for _, name := range []string{
		"PATH", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK",
		"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
	} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}
