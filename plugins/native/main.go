// Native is the adapter for the native message proxy. A channel of role customer receives the messages of a website's
// customers and posts the replies to the website. A channel of role bot posts messages to a proxy or to another
// Patchbay and receives the replies. A channel of role observer posts copies of envelopes. In this package, a reply is
// an answer or an event in the format of replyBody. README.md describes the formats.
package main

import "patchbay/sdk/serve"

func main() { serve.Main(newAdapter()) }
