package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/webhook"
)

// attack turns a call that is accepted into one that must not be.
type attack struct {
	name   string
	change func(t *testing.T, req *sdk.Request)
}

// spoken is the answer that attacks on role bot begin with.
const spoken = `{"userId":"` + testUser + `","messageId":"m1","payload":{"botSay":"Hi"}}`

// newAttacked returns an adapter with channels of both roles whose credentials differ, but for organization and chatbot.
func newAttacked(t *testing.T) *adapter {
	neighbour := strings.NewReplacer(testToken, "neighbour-token", "d8ai_chatbot", "sales").Replace(livechat)
	other := strings.NewReplacer("answer-sesame", "other-sesame", testSecret+" "+formerSecret,
		"whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))).Replace(relay)
	a := configured(t, map[string]string{"livechat": replyingTo("https://site.example"), "neighbour": neighbour}, nil)
	return withBots(t, a, map[string]string{
		"relay": strings.Replace(relay, testToken, "relay-token", 1), "other": strings.Replace(other, testToken, "other-token", 1),
	}, nil)
}

// TestBypass tries to get in without the credentials: nothing may come of any of the calls.
func TestBypass(t *testing.T) {
	a := newAttacked(t)
	tried := 0
	try := func(attacks []attack, call func() *sdk.Request) {
		if _, err := a.Receive(t.Context(), call()); err != nil {
			t.Fatalf("the call that attacks begin with is refused: %v", err)
		}
		for _, at := range attacks {
			tried++
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
						t.Errorf("the refusal tells %q: %v", secret, e)
					}
				}
			})
		}
	}
	try(callAttacks(), func() *sdk.Request {
		req := request(say("Hi", "Hi"))
		req.Channels = []string{"livechat", "neighbour"}
		return req
	})
	try(append(answerTokenAttacks(), signatureAttacks()...), func() *sdk.Request { return answer(t, "relay", spoken) })
	if tried < 80 {
		t.Errorf("%d attacks, want 80 at least", tried)
	}
}

// callAttacks are attacks on the access token of role customer.
func callAttacks() []attack {
	body := func(name, old, replacement string) attack {
		return attack{"call: " + name, func(_ *testing.T, req *sdk.Request) { req.Body = []byte(say(old, replacement)) }}
	}
	token := func(name, value string) attack { return body("token "+name, testToken, value) }
	path := func(name, value string) attack {
		return attack{"call: " + name, func(_ *testing.T, req *sdk.Request) { req.Path = value }}
	}
	return []attack{
		body("token missing", givenToken+",", ""),
		token("empty", ""),
		body("token null", givenToken, `"accessToken":null`),
		token("in upper case", strings.ToUpper(testToken)),
		token("with a scheme", "Bearer "+testToken),
		token("with a blank before", " "+testToken),
		token("with a blank behind", testToken+" "),
		token("with one character more", testToken+"."),
		token("with one character less", testToken[:len(testToken)-1]),
		token("cut at its first full stop", "fc41"),
		token("with a NUL behind", testToken+`\u0000`),
		token("with a line end behind", testToken+`\r\n`),
		token("with a zero-width blank", testToken+"\u200b"),
		token("with look-alike full stops", strings.ReplaceAll(testToken, ".", "․")),
		token("as a pattern", "fc41.*"),
		token("twice in a row", testToken+testToken),
		token("of the neighbour", "neighbour-token"),
		token("of a channel of role bot", "relay-token"),
		token("of answers", "answer-sesame"),
		token("for replies", "site-secret"),
		token("that is the secret of signatures", testSecret),
		token("that is redacted", "[redacted]"),
		token("that is an unresolved reference", "${env:NATIVE_ACCESS_TOKEN}"),
		body("token as a number", givenToken, `"accessToken":0`),
		body("token as true", givenToken, `"accessToken":true`),
		body("token as an empty list", givenToken, `"accessToken":[]`),
		body("token in a list", givenToken, `"accessToken":["`+testToken+`"]`),
		body("token in an object", givenToken, `"accessToken":{"$ne":null}`),
		body("token twice, right one first", givenToken, givenToken+`,"accessToken":"no"`),
		body("token twice, right one last", givenToken, `"accessToken":"no",`+givenToken),
		body("token twice, spelled differently", givenToken, givenToken+`,"\u0061ccessToken":"no"`),
		body("member in another case", "accessToken", "AccessToken"),
		body("member with a blank", `"accessToken"`, `"accessToken "`),
		body("member as in headers", "accessToken", "access-token"),
		body("token in the payload", givenToken+`,"payload":{`, `"payload":{`+givenToken+","),
		{"call: token in a second object", func(_ *testing.T, req *sdk.Request) {
			req.Body = []byte(say(givenToken+",", "") + say("Hi", "Hi"))
		}},
		{"call: token in the query", func(_ *testing.T, req *sdk.Request) {
			req.Body, req.Query = []byte(say(givenToken+",", "")), "accessToken="+testToken
		}},
		{"call: token in headers", func(_ *testing.T, req *sdk.Request) {
			req.Body = []byte(say(givenToken+",", ""))
			req.Header["Authorization"], req.Header["Accesstoken"] = []string{"Bearer " + testToken}, []string{testToken}
		}},
		{"call: token as a form", func(_ *testing.T, req *sdk.Request) { req.Body = []byte("accessToken=" + testToken) }},
		{"call: signed instead", func(t *testing.T, req *sdk.Request) {
			req.Body = []byte(say(givenToken+",", ""))
			sign(t, req, testKey, testNow, testSecret)
		}},
		path("right token, the neighbour's chatbot", messagesPath+"d8ai/sales"),
		path("right token, unknown organization", messagesPath+"other/d8ai_chatbot"),
		path("dot segment", messagesPath+"d8ai/x/../d8ai_chatbot"),
		path("names in another case", messagesPath+"D8ai/d8ai_chatbot"),
		path("a channel of role bot", answersPath+"livechat"),
		{"call: as if claimed by a channel of role bot", func(_ *testing.T, req *sdk.Request) {
			req.Channels, req.Body = []string{"relay"}, []byte(say(testToken, "relay-token"))
		}},
	}
}

// answerTokenAttacks are attacks on the bearer token of role bot; the signature is right.
func answerTokenAttacks() []attack {
	header := func(name string, values ...string) attack {
		return attack{"answer: " + name, func(_ *testing.T, req *sdk.Request) { req.Header["Authorization"] = values }}
	}
	return []attack{
		header("no token"),
		header("empty", ""),
		header("scheme alone", "Bearer"),
		header("scheme and a blank", "Bearer "),
		header("token alone", "answer-sesame"),
		header("another scheme", "Basic answer-sesame"),
		header("token as a password", "Basic "+base64.StdEncoding.EncodeToString([]byte("relay:answer-sesame"))),
		header("token in upper case", "Bearer ANSWER-SESAME"),
		header("one character less", "Bearer answer-sesam"),
		header("one character more", "Bearer answer-sesamee"),
		header("with a NUL behind", "Bearer answer-sesame\x00"),
		header("two tokens", "Bearer answer-sesame other"),
		header("two tokens with a comma", "Bearer other, Bearer answer-sesame"),
		header("scheme twice", "Bearer Bearer answer-sesame"),
		header("in quotes", `Bearer "answer-sesame"`),
		header("header twice, right one first", "Bearer answer-sesame", "Bearer other"),
		header("header twice, right one last", "Bearer other", "Bearer answer-sesame"),
		header("header twice, both right", "Bearer answer-sesame", "Bearer answer-sesame"),
		header("token of another channel", "Bearer other-sesame"),
		header("access token", "Bearer relay-token"),
		header("secret of signatures", "Bearer "+testSecret),
		{"answer: token under another name", func(_ *testing.T, req *sdk.Request) {
			req.Header["Proxy-Authorization"] = req.Header["Authorization"]
			delete(req.Header, "Authorization")
		}},
		{"answer: token in the body", func(_ *testing.T, req *sdk.Request) {
			delete(req.Header, "Authorization")
			req.Body = []byte(`{"accessToken":"answer-sesame",` + spoken[1:])
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

// signatureAttacks are attacks on the signature of role bot; the bearer token is right.
func signatureAttacks() []attack {
	header := func(name, field string, change func(string) []string) attack {
		return attack{"signature: " + name, func(_ *testing.T, req *sdk.Request) { req.Header[field] = change(req.Header.Get(field)) }}
	}
	to := func(values ...string) func(string) []string { return func(string) []string { return values } }
	again := func(name string, id string, at time.Time, secret string) attack {
		return attack{"signature: " + name, func(t *testing.T, req *sdk.Request) { sign(t, req, id, at, secret) }}
	}
	mac := func(name string, algorithm func() hash.Hash, key []byte, form string, encode func([]byte) string) attack {
		return attack{"signature: " + name, func(_ *testing.T, req *sdk.Request) {
			m := hmac.New(algorithm, key)
			fmt.Fprintf(m, "%s.%s.%s", req.Header.Get(webhook.HeaderID), req.Header.Get(webhook.HeaderTimestamp), req.Body)
			req.Header.Set(webhook.HeaderSignature, fmt.Sprintf(form, encode(m.Sum(nil))))
		}}
	}
	b64 := base64.StdEncoding.EncodeToString
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(testSecret, "whsec_"))
	if err != nil {
		panic(err)
	}
	return []attack{
		header("missing", webhook.HeaderSignature, to()),
		header("empty", webhook.HeaderSignature, to("")),
		header("version alone", webhook.HeaderSignature, to("v1,")),
		header("none", webhook.HeaderSignature, to("none")),
		header("cut short", webhook.HeaderSignature, func(s string) []string { return []string{s[:len(s)-2]} }),
		header("twice", webhook.HeaderSignature, func(s string) []string { return []string{s, s} }),
		header("in two header fields, one wrong", webhook.HeaderSignature, func(s string) []string { return []string{"v1,AAAA", s} }),
		header("several, all wrong", webhook.HeaderSignature, to("v1,AAAA v1,BBBB v1a,CCCC")),
		header("asymmetric version", webhook.HeaderSignature, func(s string) []string { return []string{"v1a" + s[2:]} }),
		header("unknown version", webhook.HeaderSignature, func(s string) []string { return []string{"v0" + s[2:]} }),
		header("without a version", webhook.HeaderSignature, func(s string) []string { return []string{s[3:]} }),
		header("flooded", webhook.HeaderSignature, func(s string) []string { return []string{strings.Repeat("v1,A ", 100) + s} }),
		header("id missing", webhook.HeaderID, to()),
		header("id of another call", webhook.HeaderID, to("other")),
		header("id twice", webhook.HeaderID, func(s string) []string { return []string{s, s} }),
		header("time missing", webhook.HeaderTimestamp, to()),
		header("time made newer", webhook.HeaderTimestamp, to(fmt.Sprint(testNow.Unix()+1))),
		header("time that is no number", webhook.HeaderTimestamp, to("now")),
		header("time out of range", webhook.HeaderTimestamp, to("99999999999999999999")),
		again("replayed after the window", testKey, testNow.Add(-5*time.Minute-time.Second), testSecret),
		again("from the future", testKey, testNow.Add(5*time.Minute+time.Second), testSecret),
		again("at the beginning of time", testKey, time.Unix(0, 0), testSecret),
		again("with a secret of its own", testKey, testNow, "whsec_"+b64(bytes.Repeat([]byte{9}, 32))),
		again("with the secret of another channel", testKey, testNow, "whsec_"+b64(bytes.Repeat([]byte{7}, 32))),
		mac("keyed with nothing", sha256.New, nil, "v1,%s", b64),
		mac("keyed with the secret's text", sha256.New, []byte(testSecret), "v1,%s", b64),
		mac("keyed with the base64", sha256.New, []byte(testSecret[6:]), "v1,%s", b64),
		mac("SHA-1", sha1.New, key, "v1,%s", b64),
		mac("SHA-512", sha512.New, key, "v1,%s", b64),
		mac("as GitHub writes it", sha256.New, key, "sha256=%s", hex.EncodeToString),
		mac("in hex", sha256.New, key, "v1,%s", hex.EncodeToString),
		mac("in base64url", sha256.New, key, "v1,%s", base64.RawURLEncoding.EncodeToString),
		{"signature: over the body alone", func(_ *testing.T, req *sdk.Request) {
			m := hmac.New(sha256.New, key)
			m.Write(req.Body)
			req.Header.Set(webhook.HeaderSignature, "v1,"+b64(m.Sum(nil)))
		}},
		{"signature: over another body", func(_ *testing.T, req *sdk.Request) {
			req.Body = bytes.Replace(req.Body, []byte("Hi"), []byte("Send money"), 1)
		}},
		{"signature: over the same JSON with other blanks", func(_ *testing.T, req *sdk.Request) { req.Body = append(req.Body, '\n') }},
		{"signature: of an empty body", func(t *testing.T, req *sdk.Request) {
			whole := req.Body
			req.Body = nil
			sign(t, req, testKey, testNow, testSecret)
			req.Body = whole
		}},
		{"signature: with the border between time and body moved", func(t *testing.T, req *sdk.Request) {
			whole := req.Body
			req.Body = append([]byte("1."), whole...)
			sign(t, req, "a", testNow, testSecret)
			req.Body = whole
			req.Header.Set(webhook.HeaderID, fmt.Sprintf("a.%d", testNow.Unix()))
			req.Header.Set(webhook.HeaderTimestamp, "1")
		}},
		{"signature: under the names of another product", func(_ *testing.T, req *sdk.Request) {
			for _, name := range []string{"Id", "Timestamp", "Signature"} {
				req.Header["Svix-"+name] = req.Header["Webhook-"+name]
				delete(req.Header, "Webhook-"+name)
			}
		}},
		{"signature: instead of the token", func(_ *testing.T, req *sdk.Request) { req.Header.Del("Authorization") }},
		{"signature: none, but the token", func(_ *testing.T, req *sdk.Request) {
			req.Header = http.Header{"Authorization": req.Header["Authorization"]}
		}},
	}
}

// TestReplayUnderAnotherID holds that a signed call that is presented again is known again, whatever header is changed: the
// gateway drops it by its id.
func TestReplayUnderAnotherID(t *testing.T) {
	a := newAttacked(t)
	for _, body := range []string{spoken, `{"userId":"` + testUser + `","payload":{"botSay":"Hi"}}`} {
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
