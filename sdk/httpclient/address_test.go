package httpclient

import (
	"strings"
	"testing"
)

func TestCheckAddress(t *testing.T) {
	for address, want := range map[string]string{
		"https://a.example": "", "http://10.0.0.1:8080/x/": "", "https://[2001:db8::1]/": "",
		"": "empty", "a.example": "not an http", "ftp://a.example": "not an http", "https:///x": "not an http",
		"https://:80/": "not an http", "https://%zz": "not an http", "https://u:pw-x@a.example": "password",
		"https://a.example?": "query", "https://a.example?x=1": "query", "https://a.example#x": "fragment",
	} {
		err := CheckAddress(address, false)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("CheckAddress(%q) = %v, want %q", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "pw-x") {
			t.Errorf("the error contains the password: %v", err)
		}
	}
	if err := CheckAddress("https://a.example/?x=1", true); err != nil {
		t.Errorf("an allowed query: %v", err)
	}
	if err := CheckAddress("https://a.example/?x=1#y", true); err == nil {
		t.Error("a fragment is accepted")
	}
}
