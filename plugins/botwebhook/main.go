// Botwebhook is the adapter for GPTBots: what customers say goes to the agent by its API, and the agent's
// answers come back to its webhook. See README.md.
package main

import "patchbay/sdk/serve"

func main() { serve.Main(newAdapter()) }
