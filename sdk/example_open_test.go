package sdk_test

import (
	"context"
	"fmt"

	"patchbay/sdk"
)

// desk opens a ticket for each conversation, if an agent is free.
type desk struct{ free, tickets int }

func (d *desk) Open(_ context.Context, o *sdk.OpenRequest) (*sdk.OpenResult, error) {
	if o.Offer && d.free == 0 {
		return nil, &sdk.Error{Kind: sdk.KindDeclined, Op: "open ticket", Reason: "no_agent"}
	}
	d.free--
	d.tickets++
	return &sdk.OpenResult{Thread: fmt.Sprintf("ticket-%d", d.tickets), Accepted: o.Offer}, nil
}

func ExampleOpener() {
	adapter := &desk{free: 1}
	for _, customer := range []string{"ada", "bob"} {
		result, err := adapter.Open(context.Background(), &sdk.OpenRequest{Channel: "desk", CustomerID: customer, Offer: true})
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(result.Thread, "accepted:", result.Accepted)
	}
	// Output:
	// ticket-1 accepted: true
	// open ticket: declined (no_agent)
}
