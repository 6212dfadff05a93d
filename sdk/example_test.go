package sdk_test

import (
	"context"
	"fmt"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// echo is a minimal adapter. It responds 200 to each webhook call and returns the body as a text message.
type echo struct{}

func (echo) Describe() sdk.Description {
	return sdk.Description{Name: "echo", Version: "0.1.0", Vendor: "Echo", Roles: []envelope.Role{envelope.RoleCustomer}}
}

func (echo) Configure(_ context.Context, ch sdk.Channel) (sdk.Endpoint, error) {
	return sdk.Endpoint{Paths: []sdk.Path{{Pattern: "/hooks/" + ch.Name, Methods: []string{"POST"}}}}, nil
}

func (echo) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	return &sdk.Reception{Envelopes: []*envelope.Envelope{{
		Channel: req.Channels[0], Thread: "anonymous", Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: envelope.RoleCustomer},
		Parts:  []envelope.Part{envelope.TextPart(string(req.Body))},
	}}}, nil
}

// A program that runs this adapter has the main function
//
//	func main() { serve.Main(echo{}) }
//
// with package patchbay/sdk/serve. A test calls the methods directly.
func Example() {
	var adapter sdk.Adapter = echo{}
	endpoint, err := adapter.Configure(context.Background(), sdk.Channel{Name: "web"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(adapter.Describe().Name, "receives on", endpoint.Paths[0].Pattern)

	reception, err := adapter.(sdk.Receiver).Receive(context.Background(), &sdk.Request{
		Channels: []string{"web"}, Body: []byte("Is anyone there?"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reception.Envelopes[0].Text())
	// Output:
	// echo receives on /hooks/web
	// Is anyone there?
}
