package main

import (
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"patchbay/sdk"
	"patchbay/sdk/webhook"
)

// nameProblem returns what is wrong with a path segment, or "".
func nameProblem(name string) string {
	switch {
	case name == "":
		return "missing; set the name in the path that messages are posted to"
	case len(name) > maxNameBytes:
		return fmt.Sprintf("has %d bytes; at most %d are allowed", len(name), maxNameBytes)
	case name == "." || name == "..":
		return "can't be part of a path; use a name other than . and .."
	case strings.ContainsFunc(name, unicode.IsControl):
		return "contains control characters; copy it again"
	}
	return ""
}

// addressProblem returns what is wrong with an address, or "". meaning describes the address; credential is the
// setting for credentials, which must not be part of it.
func addressProblem(address, meaning, credential string) string {
	if address == "" {
		return "missing; set " + meaning
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "is not an http or https URL; write it like https://host/path"
	case u.User != nil:
		return "contains credentials; use " + credential
	case u.Fragment != "":
		return "has a fragment; remove # and the text after it"
	}
	return ""
}

// tokenProblem returns why a token can't be sent in a header, or "".
func tokenProblem(token sdk.Secret) string {
	if strings.ContainsFunc(token.Reveal(), unicode.IsControl) {
		return "contains control characters such as a newline, which can't be part of a header; copy it again"
	}
	return ""
}

// secretProblem returns what is wrong with Standard Webhooks secrets, or "".
func secretProblem(secret sdk.Secret) string {
	keys, err := webhook.ParseSigningKeys(secret.Reveal())
	switch {
	case err != nil:
		return err.Error() + "; create one with `echo whsec_$(openssl rand -base64 32)`"
	case len(keys) == 0 && !secret.IsZero():
		return "is blank; remove it, or create one with `echo whsec_$(openssl rand -base64 32)`"
	}
	return ""
}
