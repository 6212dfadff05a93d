// Command aicc is the adapter for Huawei Cloud AICC (also sold as CEC), which connects a desk of human agents.
//
// Messages of agents arrive by message push or poll; messages of customers are sent with tokenByAkSk, applyToken,
// uploadFileStream and send. See README.md.
package main

import "patchbay/sdk/serve"

func main() { serve.Main(newAdapter()) }
