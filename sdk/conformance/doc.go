// Package conformance tests whether an adapter conforms to the plugin protocol. It drives the adapter's program over the wire,
// whatever its language: it starts it as the gateway does, and plays the vendor with a fault server. The command is
// `patchbay adapter test`; Run and Test are for Go.
//
// The types: Run makes a probe for each channel of the test data (channelData, with its inbound calls and exchanges). A probe
// has a subject, which is a running process with its streams, a vendor, which plays a script, and a witness, which notes where
// secrets appear. The checks are functions of a probe in the maps of the files checks_*.go; checks.yaml has their order, titles
// and remedies, and cases.yaml what they do to an adapter. A Report has the results. A new check is a function, an entry in
// checks.yaml, and a flaw in flaws_test.go that it finds.
//
// The suite knows no vendor. Its test data are in a folder for each role of the adapter:
//
//	testdata/conformance/customer/channel.yaml  role, settings, credentials
//	testdata/conformance/customer/in/NAME.http  a call of the vendor
//	testdata/conformance/customer/out/NAME.http a call of the gateway, and the requests that it makes of the vendor
//	…/NAME.golden                               the result; written by --update, read by people
//
// # channel.yaml
//
//	role: customer                # of the channel
//	channel: shop                 # its name; default: the folder's name
//	prefix: ""                    # its path prefix
//	settings:                     # {vendor} stands for the fault server's base URL
//	  base_url: "{vendor}/api"    # required addresses ("x-vendor-address") may be left out
//	  token: shop-token-4711
//	second: {token: shop-token-2} # settings of a second channel that differ from these; the examples are changed accordingly
//	ids: [id, user]               # members of bodies (dotted paths) that differ with each message, and fields like header X-Id
//	credentials:                  # places of secrets in calls of the vendor: header, query or body (dotted path)
//	  - {header: Authorization, scheme: Bearer}
//	sign: {command: [python3, sign.py], window: 5m}  # signs each call of the vendor; see below
//	enums: [type, messages.0.kind] # members of bodies whose value is one of a list that may grow
//	remembers: 5000               # number of conversations that the adapter keeps something of; default: none, or few
//	effect: text                  # the file in out that is disturbed; default: the first delivery
//
// # Signed calls
//
// The suite signs calls when it makes them, also with changed bodies and at other times. It starts the command in the folder of
// channel.yaml, and writes a line of JSON for each call to its standard input. The program writes a line to its standard output
// for each that it reads, and ends with its input; most languages must be told to flush the line.
//
//	{"name": "hello", "time": "2026-11-22T12:00:00.123Z", "unix": 1795348800, "method": "POST", "host": "gateway.example.com",
//	 "path": "/hooks/shop", "query": "a=b", "header": {"Content-Type": "application/json"}, "body": "eyJpZCI6Im0xIn0="}
//	{"header": {"X-Time": "1795348800", "X-Signature": "v1=…"}}
//
// Sign for time (unix: in seconds), which is not the clock's. Path and query are as the vendor calls them, not decoded; repeated
// header fields are joined by commas; the body is in base64. The answer's header, or query for parameters of the address,
// replaces fields of the same name; {"error": "why"} ends the suite. The same line must get the same answer, since the suite
// finds out what a signature covers by changing the call: it alters each such thing after signing, and expects a refusal. With a
// window, which is how far the time of a call may be from the clock, it tries both sides of the window's borders.
//
// # in/NAME.http
//
// A raw HTTP request as the vendor sends it. Lines that begin with # before it are comments.
//
//	POST /hooks/shop HTTP/1.1
//	Content-Type: application/json
//	Authorization: Bearer shop-token-4711
//
//	{"id": "m1", "user": "u1", "text": "Hello"}
//
// # out/NAME.http
//
// Blocks below lines of ### and a word: the gateway's call with its JSON, then pairs of a request that the vendor must get and
// the answer that it gives. In requests, {any} stands for any text, or alone for any JSON value. Header fields that are not
// named are free, and JSON is compared by its meaning.
//
//	### deliver
//	{"thread": "u1", "envelope": {"kind": "message", "thread": "u1", "sender": {"role": "bot"},
//	  "parts": [{"type": "text", "text": "Hi"}]}}
//
//	### request once
//	POST /token
//
//	### answer
//	200
//
//	{"token": "t"}
//
//	### request
//	POST /messages
//	Authorization: Bearer t
//
//	{"to": "u1", "text": "Hi", "key": "{any}"}
//
//	### answer
//	200
//	Content-Type: application/json
//
//	{"id": "v1"}
//
// A request marked once is optional, since an earlier call may have made it. The request marked effect is what the call is for;
// without a mark it is the last. The calls:
//
//	deliver   {"thread", "state", "key", "attempt", "envelope", "history": [envelope],
//	          "media": [{"part": 0, "content_type", "name", "data": "the bytes as text"} or {"part": 0, "url"}]}
//	open      {"customer": {"role", "id", "name"}, "customer_id", "conversation", "offer", "reason", "attributes"}
//	fetch     {"thread", "state", "part": {"type": "image", "ref": "r1"}}
//	subscribe {"cursor", "threads": [{"thread", "state"}], "batches": 1}
//
// # Memory
//
// The group memory repeats the examples with other values of ids. Conversations that were delivered to are ended, if an example
// in out delivers closed or disconnected. The memory of a Go adapter is the metric go_gc_heap_live_bytes, which the SDK adds; of
// others it is the process's resident memory, which shows small leaks only with more messages (--messages).
package conformance
