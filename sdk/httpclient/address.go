package httpclient

import (
	"errors"
	"net/url"
)

// CheckAddress checks a configured address of a vendor: an absolute http or https URL without user name, password and
// fragment. It may have a query only if allowQuery is true. The error does not repeat the address, which may contain a
// password.
func CheckAddress(address string, allowQuery bool) error {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return errors.New("is empty")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("is not an http or https URL")
	case u.User != nil:
		return errors.New("contains a user name or password, which belongs in another setting")
	case u.Fragment != "" || !allowQuery && (u.RawQuery != "" || u.ForceQuery):
		return errors.New("has a query or fragment, which must be removed")
	}
	return nil
}
