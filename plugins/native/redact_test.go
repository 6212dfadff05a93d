package main

import (
	"strings"
	"testing"

	"patchbay/sdk/envelope"
)

func TestCredentialsAreRedacted(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"no credentials":             {`{"a":[1.50,{"b":null}],"c":"token"}`, `{"a":[1.50,{"b":null}],"c":"token"}`},
		"whole member":               {`{"accessToken":{"x":["y"]},"b":1}`, `{"accessToken":"[redacted]","b":1}`},
		"deep, and a list":           {`[{"a":{"Authorization":"Bearer x"}}]`, `[{"a":{"Authorization":"[redacted]"}}]`},
		"any case, escaped":          {`{"\u0061CCESSTOKEN":"x","access_token":1}`, `{"aCCESSTOKEN":"[redacted]","access_token":"[redacted]"}`},
		"credential name as a value": {`{"a":"accessToken","b":["token","x"]}`, `{"a":"accessToken","b":["token","x"]}`},
		"scalar":                     {`"token"`, `"token"`},
		"whitespace":                 {" {\n \"a\" : 1 } ", `{"a":1}`},
		"not JSON":                   {`{"accessToken":"x`, ""},
		"empty":                      {``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(redact([]byte(tc.body))); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	long := `{"a":"` + strings.Repeat("x", 2*envelope.MaxRawBytes) + `"}`
	if got := redact([]byte(long)); len(got) != envelope.MaxRawBytes {
		t.Errorf("%d bytes, want %d", len(got), envelope.MaxRawBytes)
	}
}
