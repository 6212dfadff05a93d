// Package sdk is the contract between a Patchbay adapter and the gateway.
//
// An adapter is a separate program for one vendor. It translates the vendor's webhooks into envelopes, and envelopes
// into calls of the vendor's API. The gateway does everything else: it receives HTTP requests, orders, retries,
// deduplicates, and decides which channel answers.
//
//	type settings struct {
//		BaseURL string     `json:"base_url" patchbay:"vendor-address"`
//		Token   sdk.Secret `json:"token"`
//	}
//
//	func main() { serve.Main(newAdapter()) } // package patchbay/sdk/serve
//
// Adapter is required. Receiver, Deliverer, Opener, Fetcher, Subscriber, Validator, Drainer and HealthChecker are
// optional: an adapter has the abilities whose interfaces it implements.
//
// All methods may be called concurrently, also for the same channel. The gateway calls Deliver and Open one at a time
// per conversation and channel. A call whose timeout has passed may still be running when the next one starts.
//
// A panic in a method fails that call, not the process. Errors are typed; see Error.
package sdk
