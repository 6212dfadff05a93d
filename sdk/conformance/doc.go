// Package conformance tests whether an adapter conforms to the plugin protocol. It starts the adapter's program,
// in any language, as the gateway does. It drives the program over the wire, and plays the vendor with a fault server.
// The command is `patchbay adapter test`; Run and Test are for Go. README.md describes the test data.
//
// Run makes a probe for each channel of the test data (channelData, with its inbound calls and exchanges). A probe has
// a subject, which is a running process with its streams, a vendor, which plays a script, and a witness, which notes
// where secrets appear. The checks are functions of a probe in the files checks_*.go; checks.yaml has their order,
// titles and remedies, and cases.yaml what they do to an adapter. A Report has the results. A new check is a function,
// an entry in checks.yaml, and a flaw in flaws_test.go that it finds.
package conformance
