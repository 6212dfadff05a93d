package sdk_test

import (
	"fmt"
	"time"

	"patchbay/sdk"
)

// vendorSettings contains the settings of one channel. The gateway checks them with a JSON Schema that the SDK
// generates from this struct. It sends them with defaults and with the values of references.
type vendorSettings struct {
	BaseURL string        `json:"base_url" patchbay:"required,vendor-address" doc:"Address of the vendor's API."`
	Token   sdk.Secret    `json:"token" patchbay:"required" doc:"API token."`
	Mode    string        `json:"mode" patchbay:"default=fast,enum=fast|safe" doc:"How messages are sent."`
	Timeout time.Duration `json:"timeout" patchbay:"default=5s" doc:"Time limit of a call."`
}

func ExampleSettings() {
	settings := sdk.NewSettings([]byte(`{"base_url": "https://api.example.com", "token": "hunter2"}`))
	var s vendorSettings
	if err := settings.Decode(&s); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.BaseURL, s.Mode, s.Timeout)
	fmt.Println("a secret is never printed:", s.Token)
	fmt.Println("unless it is revealed:", s.Token.Reveal())

	err := sdk.NewSettings([]byte(`{"base_url": "https://api.example.com", "tokens": "hunter2"}`)).Decode(&s)
	fmt.Println(err)
	// Output:
	// https://api.example.com fast 5s
	// a secret is never printed: [redacted]
	// unless it is revealed: hunter2
	// setting tokens: unknown; check the spelling
}
