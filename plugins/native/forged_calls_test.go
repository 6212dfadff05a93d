package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/webhook"
)

// attack changes an accepted call into one that must be refused.
type attack struct {
	name   string
	change func(t *testing.T, req *sdk.Request)
}

// accepted is the accepted answer that attacks on the role bot change.
const accepted = `{"userId":"` + testUser + `","messageId":"m1","payload":{"botSay":"Hi"}}`

// newAttacked returns an adapter with channels of both roles and different credentials.
func newAttacked(t *testing.T) *adapter {
	neighbor := strings.NewReplacer(testToken, "neighbor-token", "d8ai_chatbot", "sales").Replace(livechat)
	other := strings.NewReplacer("answer-sesame", "other-sesame", testSecret+" "+previousSecret,
		"whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))).Replace(relay)
	a := configured(t, map[string]string{"livechat": replyingTo("https://site.example"), "neighbor": neighbor}, nil)
	return withBots(t, a, map[string]string{
		"relay": strings.Replace(relay, testToken, "relay-token", 1), "other": strings.Replace(other, testToken, "other-token", 1),
	}, nil)
}

// Calls without valid credentials are refused.
func TestForgedCallsAreRefused(t *testing.T) {
	a := newAttacked(t)
	try := func(attacks []attack, call func() *sdk.Request) {
		if _, err := a.Receive(t.Context(), call()); err != nil {
			t.Fatalf("the unchanged call is refused: %v", err)
		}
		for _, at := range attacks {
			t.Run(at.name, func(t *testing.T) {
				req := call()
				at.change(t, req)
				got, err := a.Receive(t.Context(), req)
				e, ok := errors.AsType[*sdk.Error](err)
				if !ok || got != nil {
					t.Fatalf("got %+v, error %v; want a refusal", got, err)
				}
				if e.Status < 400 || e.Status > 499 {
					t.Errorf("refused with %d", e.Status)
				}
				for _, secret := range []string{testToken, "answer-sesame", "relay-token", testSecret, "v1,"} {
					if strings.Contains(string(e.Body)+e.Error(), secret) {
						t.Errorf("the refusal contains %q: %v", secret, e)
					}
				}
			})
		}
	}
	try(messageAttacks(), func() *sdk.Request {
		req := request(edit("Hi", "Hi"))
		req.Channels = []string{"livechat", "neighbor"}
		return req
	})
	try(append(answerTokenAttacks(), answerSignatureAttacks()...),
		func() *sdk.Request { return answer(t, "relay", accepted) })
}

// messageAttacks returns attacks on the access token of the role customer.
func messageAttacks() []attack {
	body := func(name, old, replacement string) attack {
		return attack{"message: " + name, func(_ *testing.T, req *sdk.Request) { req.Body = []byte(edit(old, replacement)) }}
	}
	token := func(name, value string) attack { return body("token "+name, testToken, value) }
	path := func(name, value string) attack {
		return attack{"message: " + name, func(_ *testing.T, req *sdk.Request) { req.Path = value }}
	}
	return []attack{
		body("token missing", givenToken+",", ""),
		token("empty", ""),
		body("token null", givenToken, `"accessToken":null`),
		token("in upper case", strings.ToUpper(testToken)),
		token("with a scheme", "Bearer "+testToken),
		token("with a leading space", " "+testToken),
		token("with a trailing space", testToken+" "),
		token("with one more character", testToken+"."),
		token("with one character fewer", testToken[:len(testToken)-1]),
		token("cut at its first full stop", "fc41"),
		token("with a trailing NUL", testToken+`\u0000`),
		token("with a trailing newline", testToken+`\r\n`),
		token("with a zero-width space", testToken+"\u200b"),
		token("with look-alike full stops", strings.ReplaceAll(testToken, ".", "․")),
		token("as a pattern", "fc41.*"),
		token("twice in a row", testToken+testToken),
		token("of the neighbor", "neighbor-token"),
		token("of a channel of role bot", "relay-token"),
		token("of answers", "answer-sesame"),
		token("for replies", "site-secret"),
		token("that is the signing secret", testSecret),
		token("that is the redaction", "[redacted]"),
		token("that is an unresolved reference", "${env:NATIVE_ACCESS_TOKEN}"),
		body("token as a number", givenToken, `"accessToken":0`),
		body("token as true", givenToken, `"accessToken":true`),
		body("token as an empty list", givenToken, `"accessToken":[]`),
		body("token in a list", givenToken, `"accessToken":["`+testToken+`"]`),
		body("token in an object", givenToken, `"accessToken":{"$ne":null}`),
		body("token twice, the valid one first", givenToken, givenToken+`,"accessToken":"no"`),
		body("token twice, the valid one last", givenToken, `"accessToken":"no",`+givenToken),
		body("token twice, spelled differently", givenToken, givenToken+`,"\u0061ccessToken":"no"`),
		body("member in a different case", "accessToken", "AccessToken"),
		body("member with a space", `"accessToken"`, `"accessToken "`),
		body("member as in headers", "accessToken", "access-token"),
		body("token in the payload", givenToken+`,"payload":{`, `"payload":{`+givenToken+","),
		{"message: token in a second object", func(_ *testing.T, req *sdk.Request) {
			req.Body = []byte(edit(givenToken+",", "") + edit("Hi", "Hi"))
		}},
		{"message: token in the query", func(_ *testing.T, req *sdk.Request) {
			req.Body, req.Query = []byte(edit(givenToken+",", "")), "accessToken="+testToken
		}},
		{"message: token in headers", func(_ *testing.T, req *sdk.Request) {
			req.Body = []byte(edit(givenToken+",", ""))
			req.Header["Authorization"], req.Header["Accesstoken"] = []string{"Bearer " + testToken}, []string{testToken}
		}},
		{"message: token as a form", func(_ *testing.T, req *sdk.Request) { req.Body = []byte("accessToken=" + testToken) }},
		{"message: signed instead", func(t *testing.T, req *sdk.Request) {
			req.Body = []byte(edit(givenToken+",", ""))
			sign(t, req, testKey, testNow, testSecret)
		}},
		path("valid token, the neighbor's chatbot", messagesPath+"d8ai/sales"),
		path("valid token, unknown organization", messagesPath+"other/d8ai_chatbot"),
		path("dot segment", messagesPath+"d8ai/x/../d8ai_chatbot"),
		path("names in a different case", messagesPath+"D8ai/d8ai_chatbot"),
		path("a channel of role bot", answersPath+"livechat"),
		{"message: claimed by a channel of role bot", func(_ *testing.T, req *sdk.Request) {
			req.Channels, req.Body = []string{"relay"}, []byte(edit(testToken, "relay-token"))
		}},
	}
}

// answerTokenAttacks returns attacks on the bearer token of the role bot, with a valid signature. The tests of package
// webhook contain more of them.
func answerTokenAttacks() []attack {
	header := func(name string, values ...string) attack {
		return attack{"answer: " + name, func(_ *testing.T, req *sdk.Request) { req.Header["Authorization"] = values }}
	}
	return []attack{
		header("no token"),
		header("token as a password", "Basic "+base64.StdEncoding.EncodeToString([]byte("relay:answer-sesame"))),
		header("token in upper case", "Bearer ANSWER-SESAME"),
		header("one character fewer", "Bearer answer-sesam"),
		header("one more character", "Bearer answer-sesamee"),
		header("header twice, the valid one first", "Bearer answer-sesame", "Bearer other"),
		header("token of another channel", "Bearer other-sesame"),
		header("access token", "Bearer relay-token"),
		header("signing secret", "Bearer "+testSecret),
		{"answer: token under another name", func(_ *testing.T, req *sdk.Request) {
			req.Header["Proxy-Authorization"] = req.Header["Authorization"]
			delete(req.Header, "Authorization")
		}},
		{"answer: token in the body", func(_ *testing.T, req *sdk.Request) {
			delete(req.Header, "Authorization")
			req.Body = []byte(`{"accessToken":"answer-sesame",` + accepted[1:])
		}},
		{"answer: on another channel's path", func(_ *testing.T, req *sdk.Request) {
			req.Channels, req.Path = []string{"other"}, answersPath+"other"
		}},
		{"answer: on a path that the channel does not have", func(_ *testing.T, req *sdk.Request) { req.Path += "/x" }},
		{"answer: on a website's path", func(_ *testing.T, req *sdk.Request) {
			req.Channels, req.Path = []string{"livechat"}, testPath
		}},
		{"answer: on a path named for a website's channel", func(_ *testing.T, req *sdk.Request) {
			req.Channels, req.Path = []string{"livechat"}, answersPath+"livechat"
		}},
	}
}

// answerSignatureAttacks returns attacks on the signature of the role bot, with the right token. The tests of package
// webhook contain more of them.
func answerSignatureAttacks() []attack {
	signed := func(name, id string, at time.Time, secret string) attack {
		return attack{"signature: " + name, func(t *testing.T, req *sdk.Request) { sign(t, req, id, at, secret) }}
	}
	secretOf := func(b byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }
	return []attack{
		signed("after the window", testKey, testNow.Add(-5*time.Minute-time.Second), testSecret),
		signed("from the future", testKey, testNow.Add(5*time.Minute+time.Second), testSecret),
		signed("with an unknown secret", testKey, testNow, secretOf(9)),
		signed("with the secret of another channel", testKey, testNow, secretOf(7)),
		{"signature: missing", func(_ *testing.T, req *sdk.Request) { req.Header.Del(webhook.HeaderSignature) }},
		{"signature: id of another call", func(_ *testing.T, req *sdk.Request) { req.Header.Set(webhook.HeaderID, "other") }},
		{"signature: of another body", func(_ *testing.T, req *sdk.Request) {
			req.Body = bytes.Replace(req.Body, []byte("Hi"), []byte("Send money"), 1)
		}},
		{"signature: of the same JSON with other whitespace", func(_ *testing.T, req *sdk.Request) {
			req.Body = append(req.Body, '\n')
		}},
		{"signature: in the headers of another product", func(_ *testing.T, req *sdk.Request) {
			for _, name := range []string{"Id", "Timestamp", "Signature"} {
				req.Header["Svix-"+name] = req.Header["Webhook-"+name]
				delete(req.Header, "Webhook-"+name)
			}
		}},
		{"signature: without the token", func(_ *testing.T, req *sdk.Request) { req.Header.Del("Authorization") }},
		{"signature: only the token", func(_ *testing.T, req *sdk.Request) {
			req.Header = http.Header{"Authorization": req.Header["Authorization"]}
		}},
	}
}

// A repeated signed call has the id of the original, also if other headers change, so that the gateway recognizes it.
func TestReplayedCallKeepsItsID(t *testing.T) {
	a := newAttacked(t)
	for _, body := range []string{accepted, `{"userId":"` + testUser + `","payload":{"botSay":"Hi"}}`} {
		first, err := a.Receive(t.Context(), answer(t, "relay", body))
		if err != nil {
			t.Fatal(err)
		}
		replay := answer(t, "relay", body)
		replay.Header.Set(idempotencyHeader, "another")
		second, err := a.Receive(t.Context(), replay)
		if err != nil {
			t.Fatal(err)
		}
		if one, two := first.Envelopes[0].VendorID, second.Envelopes[0].VendorID; one == "" || one != two {
			t.Errorf("ids %q and %q; want the same", one, two)
		}
	}
}
