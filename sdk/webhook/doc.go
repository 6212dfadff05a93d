// Package webhook has what adapters need at their vendor's edge: a client that can't be talked into
// calling the gateway's own network, and the checks of inbound calls: credentials in constant time,
// signatures of Standard Webhooks, and the window of a timestamp.
package webhook
