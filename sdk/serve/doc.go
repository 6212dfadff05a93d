// Package serve is the runtime of an adapter: it speaks the plugin protocol with the gateway and calls the methods of
// the contract in package sdk. An adapter's main function is one call:
//
//	func main() { serve.Main(newAdapter()) }
//
// The package finds an adapter's abilities by the interfaces that it implements, and gives each channel its HTTP
// client. It validates the adapter's results, reads links to media, and recovers from panics, so that a panic fails
// only one call.
package serve
