// Package sdk is all that the author of a Patchbay adapter imports.
//
// An adapter is a separate program that knows one vendor. It translates the vendor's
// webhooks into envelopes and envelopes into calls of the vendor's API. Everything else
// (listening, ordering, retrying, deduplicating, deciding who answers) is the gateway's.
//
//	type Settings struct {
//		BaseURL string     `json:"base_url" patchbay:"vendor-address"`
//		Token   sdk.Secret   `json:"token"`
//	}
//
//	func main() { sdk.Serve(newAdapter()) }
//
// The interfaces are small and found by type: Adapter is required; Receiver, Deliverer,
// Opener, Fetcher, Subscriber, Validator, Drainer and HealthChecker are implemented by those
// who have that ability. All methods may be called concurrently, also for the same channel; the gateway
// itself waits for the result of one Deliver or Open per conversation and channel before it
// makes the next. One that it gave up waiting for may still run then.
//
// A panic in a method fails that one call, not the process. Errors are typed, see Error.
package sdk
