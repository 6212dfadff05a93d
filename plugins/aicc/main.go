// Command aicc is the adapter for Huawei Cloud AICC (also sold as CEC): a desk of human agents.
//
// Agents' messages come in by the vendor's message push, or by poll; customers' messages go out through tokenByAkSk,
// applyToken, uploadFileStream and send. README.md says what is carried and what is not.
package main

import "patchbay/sdk/serve"

func main() { serve.Main(newAdapter()) }
