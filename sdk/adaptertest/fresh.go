package adaptertest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"patchbay/sdk/protocol/pluginpb"
)

// freshDigits are how many digits of an id are replaced, or added: enough for a million.
const freshDigits = 6

// fresh returns the nth text in the form of an id: its last hexadecimal digits are replaced by decimal ones, or some are added
// if it does not end in enough of them. After a million they repeat.
func fresh(id string, n int) string {
	digits := fmt.Sprintf("%0*d", freshDigits, n%1_000_000)
	head := strings.TrimRight(id, "0123456789abcdefABCDEF")
	if len(id)-len(head) < freshDigits {
		return id + digits
	}
	return id[:len(id)-freshDigits] + digits
}

// ever is an example of an inbound call that can be made ever new: another conversation and another message each time. What
// has to differ is found by trying, since the exam knows no vendor: members of the body and header fields of which the thread,
// the id or the sender of an envelope depends, and nothing else.
type ever struct {
	in      *inbound
	tree    any      // of the body
	members []string // dotted paths
	fields  []string // of the header
}

// maxTried bounds the members that are tried.
const maxTried = 120

// everNew finds out what to change in a call. It returns an example without anything to change if nothing does it.
func (x *exam) everNew(in *inbound) (*ever, error) {
	e := &ever{in: in}
	e.tree, _ = in.bodyTree()
	plain, err := x.receive(in)
	if err != nil || !plain.accepted() || len(plain.envelopes) == 0 {
		return e, err
	}
	tried := 0
	try := func(with *ever) (bool, error) {
		if tried++; tried > maxTried {
			return false, nil
		}
		got, err := x.receive(with.nth(tried))
		return err == nil && sameButNew(plain, got), err
	}
	for _, group := range e.groups() {
		ok, err := try(group)
		if lost(err) {
			return e, err
		}
		if ok {
			e.members, e.fields = append(e.members, group.members...), append(e.fields, group.fields...)
		}
	}
	if !e.changes() {
		return e, nil
	}
	tried = 0 // all together
	if ok, err := try(e); !ok {
		return &ever{in: in}, err
	}
	return e, nil
}

// groups returns what is changed together: members and fields that have the same value, since they may have to agree.
func (e *ever) groups() []*ever {
	var out []*ever
	known := map[string]*ever{}
	group := func(value string) *ever {
		if known[value] == nil {
			known[value] = &ever{in: e.in, tree: e.tree}
			out = append(out, known[value])
		}
		return known[value]
	}
	members("", e.tree, func(path string, v any) {
		switch t := v.(type) {
		case string:
			g := group(t)
			g.members = append(g.members, path)
		case json.Number:
			g := group(t.String())
			g.members = append(g.members, path)
		}
	})
	for _, f := range e.in.header {
		g := group(f.value)
		g.fields = append(g.fields, f.name)
	}
	return out
}

// changes reports whether there is something to change.
func (e *ever) changes() bool { return len(e.members)+len(e.fields) > 0 }

// nth returns the nth of the calls.
func (e *ever) nth(n int) *inbound {
	out := e.in
	if len(e.members) > 0 {
		tree := e.tree
		for _, path := range e.members {
			tree, _ = edit(tree, path, func(v any) (any, bool) { return freshValue(v, n), true })
		}
		out = out.withTree(tree)
	}
	for _, name := range e.fields {
		out = out.withHeader(name, fresh(httpHeader(e.in.header).Get(name), n))
	}
	return out
}

func freshValue(v any, n int) any {
	switch t := v.(type) {
	case string:
		return fresh(t, n)
	case json.Number:
		if i, err := t.Int64(); err == nil {
			return json.Number(strconv.FormatInt(i+int64(n), 10))
		}
	}
	return v
}

// sameButNew reports whether a call gave the envelopes of another, for another conversation, message or sender.
func sameButNew(plain, got *received) bool {
	if !got.accepted() || len(got.envelopes) != len(plain.envelopes) {
		return false
	}
	differs := false
	for i, e := range plain.envelopes {
		g := got.envelopes[i]
		if g.Kind != e.Kind || g.Text() != e.Text() || len(g.Parts) != len(e.Parts) {
			return false
		}
		differs = differs || g.Thread != e.Thread || g.VendorID != e.VendorID || g.Sender.ID != e.Sender.ID
	}
	return differs
}

// renew makes an outbound call the nth, for a thread and a customer of its own.
func renew(call *pluginpb.DeliverCall, n int) {
	switch a := call.GetAction().(type) {
	case *pluginpb.DeliverCall_Send:
		a.Send.Thread = fresh(a.Send.GetThread(), n)
	case *pluginpb.DeliverCall_Open:
		a.Open.CustomerId = fresh(a.Open.GetCustomerId(), n)
		if a.Open.GetCustomer().GetId() != "" {
			a.Open.Customer.Id = fresh(a.Open.GetCustomer().GetId(), n)
		}
	}
}

// forAny returns the steps of an exchange for any thread and customer: they are no longer looked for in addresses.
func (ex *exchange) forAny(call *pluginpb.DeliverCall) []*step {
	ids := []string{call.GetSend().GetThread(), call.GetOpen().GetCustomerId(), call.GetOpen().GetCustomer().GetId()}
	var out []*step
	for _, st := range ex.steps {
		any := *st
		for _, id := range ids {
			if id != "" {
				any.target = strings.ReplaceAll(strings.ReplaceAll(any.target, url.PathEscape(id), anyMark), url.QueryEscape(id), anyMark)
			}
		}
		out = append(out, &any)
	}
	return out
}
