package adaptertest

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"patchbay/sdk/webhook"
)

// signing says how calls of the vendor are signed. The only scheme is standard-webhooks.
type signing struct {
	Scheme string `yaml:"scheme"`
	Secret string `yaml:"secret"`

	keys []webhook.SigningKey
}

const schemeStandard = "standard-webhooks"

// prepare reads the secret.
func (s *signing) prepare() error {
	if s == nil {
		return nil
	}
	if s.Scheme != schemeStandard {
		return fmt.Errorf("sign: scheme %q is unknown; write %s", s.Scheme, schemeStandard)
	}
	var err error
	if s.keys, err = webhook.ParseSigningKeys(s.Secret); err == nil && len(s.keys) == 0 {
		err = fmt.Errorf("the secret is empty")
	}
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	return nil
}

// signed returns a copy of a call with its signature, made at that time; the call itself if calls are not signed, or this one
// is. The id of an example is its own, or made from its name.
func (s *signing) signed(in *inbound, at time.Time) *inbound {
	if s == nil || in.signed {
		return in
	}
	id := httpHeader(in.header).Get(webhook.HeaderID)
	h := http.Header{}
	if err := webhook.Sign(h, orElse(id, "msg_"+in.name), at, in.body, s.keys); err != nil {
		return in // the name has a full stop; the call is refused then
	}
	out := in
	for _, name := range []string{webhook.HeaderID, webhook.HeaderTimestamp, webhook.HeaderSignature} {
		out = out.withHeader(name, h.Get(name))
	}
	out.signed = true
	return out
}

// forged are the calls whose signature is good, for something else.
func (s *signing) forged(in *inbound) []forgery {
	if s == nil {
		return nil
	}
	now := s.signed(in, time.Now())
	plain := *in
	plain.signed = false
	return []forgery{
		{group: "altered", what: "the body altered after it was signed", call: now.with(append(bytes.Clone(in.body), ' '))},
		{group: "altered", what: "a signature of yesterday", call: s.signed(&plain, time.Now().Add(-24*time.Hour))},
		{group: "altered", what: "a signature of tomorrow", call: s.signed(&plain, time.Now().Add(24*time.Hour))},
		{group: "altered", what: "the time altered after it was signed",
			call: now.withHeader(webhook.HeaderTimestamp, fmt.Sprint(time.Now().Add(-time.Second).Unix()))},
		{group: "altered", what: "the id altered after it was signed", call: now.withHeader(webhook.HeaderID, "msg_other")},
	}
}
