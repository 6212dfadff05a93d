// Package plugin hosts plugin processes: it starts an adapter's program, speaks the plugin protocol with it, supervises
// it and forwards its log output. In the gateway, only this package uses go-plugin.
//
// A Host runs one adapter. Its Run method is the supervisor: one goroutine that starts a process, watches it and
// replaces it when it ends. The goroutine is locked to an OS thread, because the kernel ties the parent-death signal to
// the thread that forked. Each process is an instance, with a session: one connection, with one long stream for webhook
// calls and one for deliveries. The readers of the streams never block on a call.
//
// If the process ends during a Receive, or during a Fetch before its first response, the call is repeated on the next
// instance until it is given up. This is possible because these calls have no side effects. A Deliver that was sent
// returns a BrokeError instead. A call that was not sent waits for the next instance. If a canceled call does not end,
// it hangs: the process is replaced, and only this call is blamed. A callQueue repeats suspects one at a time and keeps
// the order of webhooks.
package plugin
