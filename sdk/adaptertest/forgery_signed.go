package adaptertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Times of signatures that are tried: what clocks differ by, far outside of any window, and to both sides of a window's
// border.
const (
	clockSkew    = 10 * time.Second
	longAgo      = 25 * time.Hour
	windowMargin = 15 * time.Second
)

// What of one call is altered, so that its signature is not for it.
const (
	maxAlteredMembers = 24
	maxAlteredBytes   = 32
)

// alteredCall is a call that differs from another in one thing that a signature may be for.
type alteredCall struct {
	what  string
	call  *inbound
	loose bool // it may be refused before its signature is looked at
}

// signedForgeries are calls with the signature of another call or of another time. Only what the signature is for is
// altered: what changes it if the signer is asked for the altered call.
func (x *exam) signedForgeries(in *inbound) ([]forgery, error) {
	now := time.Now()
	p, err := x.prove(in, now)
	if err != nil {
		return nil, err
	}
	var out []forgery
	for _, a := range alteredCalls(in, p) {
		other, err := x.prove(a.call, now)
		if err != nil {
			return nil, err
		}
		if !other.equal(p) {
			out = append(out, forgery{group: "signature", what: "a signature of the call before " + a.what, call: p.of(a.call), loose: a.loose})
		}
	}
	bare := in.with(in.body)
	bare.signed = true
	for name := range p.Header {
		bare = bare.withHeader(name)
	}
	out = append(out, forgery{group: "missing", what: "all of the signature left out", call: bare})
	timed, err := x.untimely(in, p, now)
	return append(out, timed...), err
}

// untimely are calls with a signature of another time, and those with pieces of two. None if signatures have no time.
func (x *exam) untimely(in *inbound, p *proof, now time.Time) ([]forgery, error) {
	offsets := []time.Duration{-longAgo, longAgo}
	if w := x.data.Sign.Window; w > 0 {
		offsets = append(offsets, -w-windowMargin, w+windowMargin)
	}
	var out []forgery
	for _, d := range offsets {
		other, err := x.prove(in, now.Add(d))
		if err != nil {
			return nil, err
		}
		if other.equal(p) {
			return nil, nil
		}
		what := "a signature of " + d.Abs().String() + " ago"
		if d > 0 {
			what = "a signature of in " + d.String()
		}
		out = append(out, forgery{group: "time", what: what, call: other.of(in)})
		for _, name := range slices.Sorted(maps.Keys(p.Header)) {
			if other.Header[name] != p.Header[name] && len(p.Header)+len(p.Query) > 1 {
				mixed := other.of(in).withHeader(name, p.Header[name])
				out = append(out, forgery{group: "time", what: what + " with the " + name + " of now", call: mixed})
			}
		}
	}
	return out, nil
}

// timely are calls with a good signature, of times that a vendor's call may well have.
func (x *exam) timely(in *inbound) ([]forgery, error) {
	offsets := []time.Duration{0, -clockSkew, clockSkew}
	if w := x.data.Sign.Window; w > 0 {
		offsets = append(offsets, windowMargin-w, w-windowMargin)
	}
	var out []forgery
	for _, d := range offsets {
		p, err := x.prove(in, time.Now().Add(d))
		if err != nil {
			return nil, err
		}
		what := "a good signature of now"
		switch {
		case d < 0:
			what = "a good signature of " + d.Abs().String() + " ago"
		case d > 0:
			what = "a good signature of in " + d.String()
		}
		out = append(out, forgery{group: "taken", what: what, call: p.of(in)})
	}
	return out, nil
}

// alteredCalls alters each thing of a call that a signature may be for, but what it is itself.
func alteredCalls(in *inbound, p *proof) []alteredCall {
	out := []alteredCall{
		{what: "a blank was added behind the body", call: in.with(append(bytes.Clone(in.body), ' '))},
		{what: "a blank was put before the body", call: in.with(append([]byte(" "), in.body...))},
		{what: "the body was emptied", call: in.with(nil), loose: true},
		{what: "a query parameter was added", call: in.withParameter("exam", "1")},
		{what: "the path was made longer", call: in.withPathSuffix("x"), loose: true},
	}
	host := in.with(in.body)
	host.host = "other." + in.host
	out = append(out, alteredCall{what: "the host was replaced", call: host})
	for _, f := range in.header {
		own := slices.ContainsFunc(slices.Collect(maps.Keys(p.Header)), func(name string) bool { return strings.EqualFold(name, f.name) })
		if f.value != "" && !own {
			out = append(out, alteredCall{what: "header " + f.name + " was altered", call: in.withHeader(f.name, flip(f.value, len(f.value)-1)),
				loose: true})
		}
	}
	return append(out, alteredBodies(in)...)
}

// alteredBodies replaces single bytes: in the texts and numbers of a body that is JSON, and anywhere.
func alteredBodies(in *inbound) []alteredCall {
	var out []alteredCall
	if tree, ok := in.bodyTree(); ok {
		members("", tree, func(path string, v any) {
			var other any
			switch t := v.(type) {
			case string:
				if t == "" {
					return
				}
				other = flip(t, 0)
			case json.Number:
				other = json.Number("1" + strings.TrimPrefix(t.String(), "-"))
			default:
				return
			}
			if len(out) < maxAlteredMembers {
				out = append(out, alteredCall{what: path + " was altered", call: in.withMember(path, other, true)})
			}
		})
	}
	step := max(1, len(in.body)/maxAlteredBytes)
	for i := 0; i < len(in.body); i += step {
		body := []byte(flip(string(in.body), i))
		out = append(out, alteredCall{what: fmt.Sprintf("byte %d of the body was altered", i), call: in.with(body), loose: !json.Valid(body)})
	}
	return out
}

// withPathSuffix returns a copy of a call on another path.
func (in *inbound) withPathSuffix(suffix string) *inbound {
	out := *in
	path, query, has := strings.Cut(in.target, "?")
	if out.target = path + suffix; has {
		out.target += "?" + query
	}
	return &out
}
