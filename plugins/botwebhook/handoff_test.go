package main

import (
	"net/http"
	"testing"

	"patchbay/sdk/envelope"
)

// handoffChannel returns an adapter with a hand-off's channel named faq.
func handoffChannel(t testing.TB, address string, client *http.Client) *adapter {
	t.Helper()
	return inRole(t, envelope.RoleCustomer, agent(address), client)
}
