package envelope

import (
	"errors"
	"fmt"
	"net/url"
)

// MaxLinkBytes limits the length of a link.
const MaxLinkBytes = 8 << 10

// ParseLink parses the link of a medium or card. The link must be an absolute http or https URL of at most
// MaxLinkBytes. Errors do not repeat the link.
func ParseLink(link string) (*url.URL, error) {
	if len(link) > MaxLinkBytes {
		return nil, fmt.Errorf("%d bytes, at most %d", len(link), MaxLinkBytes)
	}
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("not an http or https address")
	}
	return u, nil
}
