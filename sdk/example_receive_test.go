package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
	"patchbay/sdk/webhook"
)

// signedReceiver receives the webhooks of a vendor that signs them according to Standard Webhooks.
type signedReceiver struct{ keys []webhook.SigningKey }

func (a *signedReceiver) Receive(_ context.Context, req *sdk.Request) (*sdk.Reception, error) {
	id, err := webhook.Verify(req.Header, req.Body, a.keys, time.Now(), 5*time.Minute)
	if err != nil {
		return nil, sdk.Unauthorized("%v", err)
	}
	var body struct {
		User string `json:"user"`
		Text string `json:"text"`
	}
	if fault := webhook.DecodeJSON(req.Body, &body, ""); fault != nil {
		return nil, sdk.Invalid(fault.Field, "%s", fault.Message)
	}
	message := &envelope.Envelope{
		Channel: req.Channels[0], Thread: body.User, VendorID: id, Kind: envelope.KindMessage,
		Sender: envelope.Sender{Role: envelope.RoleCustomer, ID: body.User},
		Parts:  []envelope.Part{envelope.TextPart(body.Text)},
	}
	return &sdk.Reception{
		Envelopes: []*envelope.Envelope{message},
		Response:  sdk.Response{Status: http.StatusAccepted},
	}, nil
}

func ExampleReceiver() {
	keys, err := webhook.ParseSigningKeys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	adapter := &signedReceiver{keys: keys}

	// The vendor's call.
	body, _ := json.Marshal(map[string]string{"user": "ada", "text": "Hello"})
	call := &sdk.Request{Channels: []string{"web"}, Header: http.Header{}, Body: body}
	if err := webhook.Sign(call.Header, "msg-1", time.Now(), body, keys); err != nil {
		fmt.Println(err)
		return
	}
	reception, err := adapter.Receive(context.Background(), call)
	if err != nil {
		fmt.Println(err)
		return
	}
	e := reception.Envelopes[0]
	fmt.Printf("%d: %s says %q (id %s)\n", reception.Response.Status, e.Sender.ID, e.Text(), e.VendorID)

	// A forged call.
	call.Body = append(call.Body, ' ')
	_, err = adapter.Receive(context.Background(), call)
	refusal, ok := errors.AsType[*sdk.Error](err)
	fmt.Println(ok, refusal.Kind)
	// Output:
	// 202: ada says "Hello" (id msg-1)
	// true unauthorized
}
