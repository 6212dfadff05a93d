// Package protocol is the wire between the gateway and an adapter process: handshake,
// limits, and the translation between protobuf messages and the SDK's Go types.
package protocol
