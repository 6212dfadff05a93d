// Package protocol is the protocol between the gateway and a plugin process: handshake, limits, and the conversion
// between protobuf messages and envelopes.
package protocol
