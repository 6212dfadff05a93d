// Package plugin is the gateway's side of adapter processes: it launches them, speaks the plugin protocol
// with them, supervises them, and reads their logs. It is the only package of the gateway that knows go-plugin.
//
// One Host owns one adapter. Its Run method is the supervisor: a single goroutine, locked to an OS thread (the
// kernel's parent-death signal is tied to the thread that forked), that starts a process, watches it, and replaces
// it when it ends. Each process is a instance with a session: a connection, one long stream for inbound calls
// and one for outbound calls. Readers of streams never wait for anything but the stream.
//
// What happens to a call when its process dies: a Receive is repeated once on the next instance, since it has no
// side effects; a Deliver that was handed over ends with a DiedError; calls that were not handed over yet simply
// wait for the next instance.
package plugin
