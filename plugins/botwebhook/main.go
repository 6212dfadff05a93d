// Botwebhook is the adapter for GPTBots. A channel of role bot sends customers' messages to a GPTBots agent and
// receives its answers. A channel of role customer receives an agent's hand-offs to humans. In this package, "agent"
// without further words is a GPTBots agent. See README.md.
package main

import "patchbay/sdk/serve"

func main() { serve.Main(newAdapter()) }
