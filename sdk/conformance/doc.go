// Package conformance tests whether an adapter conforms to the plugin protocol. It starts the adapter's program, in any
// language, as the gateway does, and calls it over the protocol. A fault server replaces the vendor. The command is
// `patchbay adapter test`; Run and Test are for Go. README.md describes the test data.
//
// Run makes a probe for each channel of the test data (channelData, with its inbound calls and exchanges). A probe has
// a subject, which is a running process with its streams, a vendor, which follows a script, and a witness, which
// records where secrets appear. The checks are functions of a probe in the files checks_*.go; checks.yaml has their
// order, titles and remedies, and cases.yaml the faults and the inputs that they use. A Report has the results. A new
// check is a function, an entry in checks.yaml, and a flaw in flaws_test.go that it finds.
package conformance
