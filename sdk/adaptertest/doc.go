// Package adaptertest is the exam that an adapter must pass. It drives the adapter's program over the wire, so that its
// language does not matter: it starts it as the gateway does, speaks the plugin protocol, and plays the vendor with a fault
// server of its own. `patchbay adapter test` is its command; Run and Test are for Go.
//
// The exam knows no vendor. What it needs is in a folder for each role of the adapter:
//
//	testdata/exam/customer/exam.yaml      role, settings, credentials
//	testdata/exam/customer/in/NAME.http   a call of the vendor
//	testdata/exam/customer/out/NAME.http  a call of the gateway, and what the vendor is asked for
//	…/NAME.golden                         what came of it; written by --update, read by people
//
// # exam.yaml
//
//	role: customer                # of the exam's channel
//	channel: exam                 # its name; default: the folder's name
//	prefix: ""                    # its path prefix
//	settings:                     # {vendor} stands for the fault server's base URL
//	  base_url: "{vendor}/api"    # required addresses ("x-vendor-address") are filled in if they are left out
//	  token: exam-token-4711      # secrets as they are
//	credentials:                  # where calls of the vendor carry what is secret: header, query or body (dotted path)
//	  - {header: Authorization, scheme: Bearer}
//	sign: {command: [python3, sign.py], window: 5m}  # if calls of the vendor are signed: each then is, freshly; see below
//	enums: [type, messages.0.kind] # members of their bodies whose value is one of a list that may grow
//	remembers: 5000               # for how many conversations the adapter keeps something; default: none, or few
//	effect: text                  # the file in out that is disturbed; default: the first delivery
//
// # Signed calls
//
// Signatures of a body that the exam breaks, or of yesterday, can't be in a file. So sign says how calls are signed:
//
//	sign: {scheme: standard-webhooks, secret: whsec_…}
//	sign: {scheme: hmac-sha256, header: X-Signature, prefix: "sha256=", encoding: hex, secret: …} # of the body; or base64
//	sign: {command: [./sign, --key, k1], window: 5m}
//
// The command is a program, in any language, that the exam starts once in the folder of exam.yaml; a name with a slash is in
// that folder. For each call it gets one line of JSON on its standard input, and writes one line of JSON to its standard
// output before it reads the next; most languages must be told to flush it.
//
//	{"name": "hello", "time": "2026-11-22T12:00:00.123Z", "unix": 1795348800, "method": "POST", "host": "gateway.example.com",
//	 "path": "/hooks/exam", "query": "a=b", "header": {"Content-Type": "application/json"}, "body": "eyJpZCI6Im0xIn0="}
//	{"header": {"X-Time": "1795348800", "X-Signature": "v1=…"}}
//
// Time, also as seconds in unix, is when the vendor makes the call: sign for it, not for the clock's time. Path and query are
// as the vendor calls them, not decoded; repeated fields of the header are one, with commas; the body is in base64 and may be
// any bytes. The answer's header, or query for parameters of the address, has what proves the call, and replaces what the
// example has of the same name; {"error": "why"} ends the exam. The same line must get the same answer: make a nonce from
// what is signed. What the program prints to its standard error is shown if it fails. It has a minute for its first answer
// and 5 s for each other, and is to end with its input.
//
// So the exam also finds what a signature is for: whatever changes it. Each such thing is altered after signing, as are the
// time and each position of the signature, and the adapter must refuse the call. With a window, which is how far the time of a
// call may be from the clock, both sides of its borders are tried. Without credentials in exam.yaml, what the program adds is
// what is forged.
//
// # in/NAME.http
//
// A raw HTTP request as the vendor sends it: request line, header, blank line, body. Lines that begin with # before it are
// comments; one line end at the end of the file does not count.
//
//	POST /hooks/exam HTTP/1.1
//	Content-Type: application/json
//	Authorization: Bearer exam-token-4711
//
//	{"id": "m1", "user": "u1", "text": "Hello"}
//
// # out/NAME.http
//
// Blocks, each below a line of ### and a word: the gateway's call with its JSON, then pairs of the request that the vendor
// must get and the answer that it gives. In requests, {any} stands for any text, or alone for any JSON value; header fields
// that are not named are free, and JSON is compared by its meaning.
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
// A request marked once may be left out, as when an earlier call got the token. The request marked effect is what the call
// is for; without a mark it is the last. The calls:
//
//	deliver  {"thread", "state", "key", "attempt", "envelope", "history": [envelope],
//	         "media": [{"part": 0, "content_type", "name", "data": "the bytes as text"} or {"part": 0, "url"}]}
//	open     {"customer": {"role", "id", "name"}, "customer_id", "conversation", "offer", "reason", "attributes"}
//	fetch    {"thread", "state", "part": {"type": "image", "ref": "r1"}}
//	listen   {"cursor", "threads": [{"thread", "state"}], "batches": 1}
//
// # Memory
//
// The section memory repeats the examples, each time for another thread and with another id. Which members and header fields
// that takes is found by trying. Conversations that were delivered to are ended, if an example in out delivers closed or
// disconnected. An adapter that keeps a bounded number of them is full after as many as remembers says, and must not grow
// from then on. A Go adapter tells what its heap has by the metric go_gc_heap_live_bytes, which the SDK adds; of others the
// process's resident memory is taken, which shows small leaks only with more messages (--messages).
//
// # Sections
//
// Each section of the list in sections.go is a function that asserts something about a running adapter. A new one is a
// function of an exam, a line in that list, and a flaw of the pupil in folder evil that fails it.
package adaptertest
