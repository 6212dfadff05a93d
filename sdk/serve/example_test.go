package serve_test

import (
	"context"

	"patchbay/sdk"
	"patchbay/sdk/serve"
)

type adapter struct{}

func (adapter) Describe() sdk.Description {
	return sdk.Description{Name: "echo", Version: "0.1.0", Vendor: "Echo"}
}

func (adapter) Configure(context.Context, sdk.Channel) (sdk.Endpoint, error) {
	return sdk.Endpoint{}, nil
}

// ExampleMain is the main function of a plugin.
func ExampleMain() {
	serve.Main(adapter{})
}
