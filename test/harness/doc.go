// Package harness runs the built gateway between pretend vendors, for tests that see it from outside: real
// processes, real sockets, a configuration file, a store on disk.
//
// A World is the vendors; a Gateway is the program under test, with everything that it needs to be stopped,
// killed and started again on its store. Both end with their test: whatever is left of the gateway's processes
// then fails it.
package harness
