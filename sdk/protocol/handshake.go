package protocol

import (
	"context"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"patchbay/sdk/protocol/pluginpb"
)

// The handshake. None of these values ever changes: a change would turn "the plugin speaks a newer
// version" into "this is not a plugin".
const (
	// CookieKey and CookieValue are an environment pair by which an adapter recognises that the gateway
	// started it. It is for people who start one by hand, not for safety.
	CookieKey   = "PATCHBAY_PLUGIN"
	CookieValue = "c7a1f5d4e0b24c5e8a8f3b8e2d6b90b7"
	// PluginName is the name under which the service is dispensed.
	PluginName = "adapter"
)

// Version is the one version of the protocol so far, as negotiated in the handshake.
const Version = 1

// Environment variables that the gateway sets for an adapter process.
const (
	// LogLevelEnv is the level of the adapter's logger: debug, info, warn or error.
	LogLevelEnv = "PATCHBAY_LOG_LEVEL"
	// ParentEnv is the process id of the gateway; the adapter ends when its parent is another.
	ParentEnv = "PATCHBAY_PARENT"
)

// Limits of the wire.
const (
	// MaxMessageBytes is the most that one gRPC message may have, in both directions.
	MaxMessageBytes = 8 << 20
	// StreamWindow and ConnectionWindow are the flow-control windows of both sides, in bytes. They are fixed, so that
	// gRPC sends no pings to measure a link that is a local socket.
	StreamWindow     = 1 << 20
	ConnectionWindow = 4 << 20
	// MaxFrameCalls and MaxFrameBytes end a frame; a single larger call still travels, in a frame of
	// its own.
	MaxFrameCalls = 64
	MaxFrameBytes = 256 << 10
	// MaxChunkBytes is the most data of a medium in one message of Fetch and Attach.
	MaxChunkBytes = 256 << 10
)

// Handshake returns the handshake of both sides.
func Handshake() plugin.HandshakeConfig {
	return plugin.HandshakeConfig{MagicCookieKey: CookieKey, MagicCookieValue: CookieValue}
}

// Plugins returns the versioned plugin sets: the adapter's side gives its service, the gateway's nil.
func Plugins(service pluginpb.PluginServiceServer) map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{Version: {PluginName: &grpcPlugin{service: service}}}
}

// grpcPlugin ties the service to go-plugin's way of registering and dispensing.
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
