package main

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/webhook"
)

// problems collects what is wrong with settings.
type problems []sdk.Problem

// add adds a problem; none if message is empty.
func (p *problems) add(path, message string) {
	if message != "" {
		*p = append(*p, sdk.Problem{Path: path, Message: message})
	}
}

// nameProblem says what is wrong with a path segment, "" if nothing.
func nameProblem(name string) string {
	switch {
	case name == "":
		return "missing: set the name that callers have in their path"
	case len(name) > maxNameBytes:
		return fmt.Sprintf("%d bytes, at most %d", len(name), maxNameBytes)
	case name == "." || name == "..":
		return "can't be reached: HTTP servers resolve dot segments"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has control characters"
	}
	return ""
}

// addressProblem says what is wrong with an address to post to, "" if nothing. credential is the setting for what must
// not stand in the address.
func addressProblem(address, what, credential string) string {
	if address == "" {
		return "missing: set " + what
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "not an address: write https://host/path"
	case u.User != nil:
		return "has credentials in it: use " + credential
	case u.Fragment != "":
		return "has a fragment, which is never sent: remove what follows #"
	}
	return ""
}

// tokenProblem says why a token can't be sent in a header, "" if it can.
func tokenProblem(token sdk.Secret) string {
	if strings.ContainsFunc(token.Reveal(), unicode.IsControl) {
		return "has control characters (a line end?), which can't be sent in a header"
	}
	return ""
}

// secretProblem says what is wrong with secrets of Standard Webhooks, "" if nothing.
func secretProblem(secret sdk.Secret) string {
	keys, err := webhook.ParseSigningKeys(secret.Reveal())
	switch {
	case err != nil:
		return err.Error() + ": make one with `echo whsec_$(openssl rand -base64 32)`"
	case len(keys) == 0 && !secret.IsZero():
		return "is blank: remove it, or make one with `echo whsec_$(openssl rand -base64 32)`"
	}
	return ""
}
