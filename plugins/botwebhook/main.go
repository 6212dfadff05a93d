// Botwebhook is the adapter for GPTBots. A channel of role bot sends customers' messages to a GPTBots agent and
// receives its answers. A channel of role customer receives the human hand-offs of an agent. See README.md.
package main

import "patchbay/sdk/serve"

func main() { serve.Main(newAdapter()) }
