package adaptertest

import (
	"slices"

	"patchbay/sdk/envelope"
)

// checkReplies examines answers that come with a call. That they are valid is checked wherever they come.
func checkReplies(x *exam) {
	a := x.assert("replies.sender", "answers that come with a call are not the customer's own words")
	ids := x.assert("replies.ids", "answers that come with a call have the same ids when it is repeated")
	for _, ex := range x.data.out {
		want := x.golden(ex)
		if ex.action != "deliver" || want == nil || want.Receipt == nil || len(want.Receipt.Replies) == 0 {
			continue
		}
		x.vendor.play(newStage(ex, false))
		first, err := x.perform(ex, callTimeout)
		if !a.check(err == nil && first.Error == nil, "out/%s.http gave %s", ex.name, told(first, err)) {
			continue
		}
		x.vendor.play(newStage(ex, false))
		second, err := x.perform(ex, callTimeout)
		if !a.check(err == nil && second.Error == nil, "out/%s.http gave %s", ex.name, told(second, err)) {
			continue
		}
		for _, e := range first.Receipt.Replies {
			a.check(e.Kind != envelope.KindMessage || e.Sender.Role != envelope.RoleCustomer,
				"out/%s.http: a reply has sender role customer: it would be answered by whom it comes from", ex.name)
		}
		ids.check(slices.Equal(vendorIDs(first), vendorIDs(second)), "out/%s.http: the replies' ids were %q and then %q",
			ex.name, vendorIDs(first), vendorIDs(second))
	}
	a.skip("no exchange of the exam data has replies")
	ids.skip("no exchange of the exam data has replies")
}

func vendorIDs(o *outcome) []string {
	var out []string
	for _, e := range o.Receipt.Replies {
		out = append(out, e.VendorID)
	}
	return out
}
