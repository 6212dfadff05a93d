// Native is the adapter for the live-chat message proxy: websites post what their visitors say, and
// Patchbay posts the answers back to the website's reply address. See README.md for the two formats.
package main

import "patchbay/sdk/serve"

func main() { serve.Main(newAdapter()) }
