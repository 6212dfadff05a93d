package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// edit returns an accepted message in which replacement replaces old.
func edit(old, replacement string) string {
	const good = `{"userId":"u1","accessToken":"` + testToken + `","payload":{"userSay":"Hi","userInfo":{"id":"u1"},` +
		`"userData":{"targetAgents":["a"],"customPayload":{"data":"d"}}}}`
	if !strings.Contains(good, old) {
		panic("no " + old + " in the accepted message")
	}
	return strings.Replace(good, old, replacement, 1)
}

const givenToken = `"accessToken":"` + testToken + `"`

// withMember returns an accepted message with an additional member of payload. withoutText returns one in which the
// member replaces userSay.
func withMember(member string) string {
	return edit(`"userSay":"Hi"`, `"userSay":"Hi",`+member)
}
func withoutText(member string) string { return edit(`"userSay":"Hi"`, member) }

const medium0 = `{"type":"image","url":"https://cdn.example/a.png"}`

func TestInvalidMessagesAreRefused(t *testing.T) {
	a := configured(t, map[string]string{"livechat": livechat}, nil)
	if _, err := a.Receive(t.Context(), request(edit("Hi", "Hi"))); err != nil {
		t.Fatalf("the unchanged message is refused: %v", err)
	}
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name   string
		body   string
		header http.Header
		path   string
		status int
		field  string
	}{
		// Access token. See TestForgedCallsAreRefused for more.
		{name: "token missing", body: edit(givenToken+",", ""), status: 401, field: "accessToken"},
		{name: "token twice", body: edit(givenToken, givenToken+`,"accessToken":"no"`), status: 400, field: "accessToken"},
		{name: "token twice, the second escaped", body: edit(givenToken, givenToken+`,"\u0061ccessToken":"no"`), status: 400,
			field: "accessToken"},
		{name: "wrong token, wrong payload", body: `{"userId":5,"accessToken":"no","payload":[]}`, status: 401,
			field: "accessToken"},
		{name: "null body", body: `null`, status: 401, field: "accessToken"},
		{name: "empty object", body: `{}`, status: 401, field: "accessToken"},

		// Path.
		{name: "other organization", body: edit("Hi", "Hi"), path: messagesPath + "other/d8ai_chatbot", status: 404},
		{name: "other chatbot", body: edit("Hi", "Hi"), path: messagesPath + "d8ai/other", status: 404},
		{name: "names swapped", body: edit("Hi", "Hi"), path: messagesPath + "d8ai_chatbot/d8ai", status: 404},
		{name: "organization in upper case", body: edit("Hi", "Hi"), path: messagesPath + "D8AI/d8ai_chatbot", status: 404},
		{name: "trailing slash", body: edit("Hi", "Hi"), path: testPath + "/", status: 404},
		{name: "no chatbot", body: edit("Hi", "Hi"), path: messagesPath + "d8ai", status: 404},
		{name: "escaped slash", body: edit("Hi", "Hi"), path: messagesPath + "d8ai%2Fd8ai_chatbot", status: 404},
		{name: "broken escape", body: edit("Hi", "Hi"), path: messagesPath + "d8ai/d8ai_chatbot%2", status: 404},
		{name: "another path", body: edit("Hi", "Hi"), path: "/d8ai/d8ai_chatbot", status: 404},

		// Syntax. Package webhook tests it in detail.
		{name: "empty body", body: ``, status: 400},
		{name: "a list", body: `[` + edit("Hi", "Hi") + `]`, status: 400},
		{name: "member twice", body: edit(`{"id":"u1"}`, `{"id":"u1","id":"u1"}`), status: 400, field: "payload.userInfo.id"},
		{name: "too deep", body: edit(`{"data":"d"}`, `{"x":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+`}`),
			status: 400},

		// Fields.
		{name: "userId missing", body: edit(`"userId":"u1",`, ""), status: 400, field: "userId"},
		{name: "userId empty", body: edit(`"userId":"u1"`, `"userId":""`), status: 400, field: "userId"},
		{name: "userId null", body: edit(`"userId":"u1"`, `"userId":null`), status: 400, field: "userId"},
		{name: "userId a number", body: edit(`"userId":"u1"`, `"userId":1`), status: 400, field: "userId"},
		{name: "userId with a line end", body: edit(`"userId":"u1"`, `"userId":"u\n1"`), status: 400, field: "userId"},
		{name: "userId too long", body: edit(`"userId":"u1"`, `"userId":"`+long[:257]+`"`), status: 400, field: "userId"},
		{name: "userId too long when escaped", body: edit(`"userId":"u1"`, `"userId":"`+strings.Repeat("/", 250)+`"`),
			status: 400, field: "userId"},
		{name: "userInfo.id other", body: edit(`{"id":"u1"}`, `{"id":"u2"}`), status: 400, field: "payload.userInfo.id"},
		{name: "userInfo.id in a different case", body: edit(`{"id":"u1"}`, `{"id":"U1"}`), status: 400,
			field: "payload.userInfo.id"},
		{name: "userInfo.id missing", body: edit(`{"id":"u1"}`, `{}`), status: 400, field: "payload.userInfo.id"},
		{name: "userInfo.id a number", body: edit(`{"id":"u1"}`, `{"id":1}`), status: 400, field: "payload.userInfo.id"},
		{name: "userInfo missing", body: edit(`,"userInfo":{"id":"u1"}`, ``), status: 400, field: "payload.userInfo.id"},
		{name: "userInfo a string", body: edit(`{"id":"u1"}`, `"u1"`), status: 400, field: "payload.userInfo"},
		{name: "userSay missing", body: edit(`"userSay":"Hi",`, ``), status: 400, field: "payload.userSay"},
		{name: "userSay empty", body: edit(`"Hi"`, `""`), status: 400, field: "payload.userSay"},
		{name: "userSay null", body: edit(`"Hi"`, `null`), status: 400, field: "payload.userSay"},
		{name: "userSay a list", body: edit(`"Hi"`, `["Hi"]`), status: 400, field: "payload.userSay"},
		{name: "userSay too long", body: edit("Hi", strings.Repeat("x", 64<<10+1)), status: 400, field: "payload.userSay"},
		{name: "payload missing", body: `{"userId":"u1",` + givenToken + `}`, status: 400, field: "payload"},
		{name: "payload null", body: `{"userId":"u1",` + givenToken + `,"payload":null}`, status: 400, field: "payload.userSay"},
		{name: "payload a string", body: `{"userId":"u1",` + givenToken + `,"payload":"Hi"}`, status: 400, field: "payload"},
		{name: "userData a list", body: edit(`{"targetAgents":["a"],"customPayload":{"data":"d"}}`, `[]`), status: 400,
			field: "payload.userData"},
		{name: "targetAgents a string", body: edit(`["a"]`, `"a"`), status: 400, field: "payload.userData.targetAgents"},
		{name: "targetAgents with a number", body: edit(`["a"]`, `["a",2]`), status: 400,
			field: "payload.userData.targetAgents.1"},
		{name: "targetAgents with null", body: edit(`["a"]`, `["a",null]`), status: 400,
			field: "payload.userData.targetAgents.1"},
		{name: "targetAgents too long", body: edit(`["a"]`, `["`+long+`"]`), status: 400,
			field: "payload.userData.targetAgents"},
		{name: "customPayload a string", body: edit(`{"data":"d"}`, `"d"`), status: 400,
			field: "payload.userData.customPayload"},
		{name: "customPayload a list", body: edit(`{"data":"d"}`, `["d"]`), status: 400,
			field: "payload.userData.customPayload"},
		{name: "customPayload too long", body: edit(`{"data":"d"}`, `{"x":"`+long+`"}`), status: 400,
			field: "payload.userData.customPayload"},
		{name: "data of 256 characters", body: edit(`"data":"d"`, `"data":"`+strings.Repeat("x", 256)+`"`), status: 400,
			field: "payload.userData.customPayload.data"},
		{name: "data of 256 wide characters", body: edit(`"data":"d"`, `"data":"`+strings.Repeat("字", 256)+`"`), status: 400,
			field: "payload.userData.customPayload.data"},
		{name: "data a number", body: edit(`"data":"d"`, `"data":5`), status: 400,
			field: "payload.userData.customPayload.data"},

		// Patchbay's additions.
		{name: "messageId a number", body: edit(`{"userId"`, `{"messageId":7,"userId"`), status: 400, field: "messageId"},
		{name: "messageId too long", body: edit(`{"userId"`, `{"messageId":"`+long[:257]+`","userId"`), status: 400,
			field: "messageId"},
		{name: "messageId with a NUL", body: edit(`{"userId"`, `{"messageId":"\u0000","userId"`), status: 400,
			field: "messageId"},
		{name: "idempotency key too long", body: edit("Hi", "Hi"), status: 400, field: "Idempotency-Key",
			header: http.Header{"Idempotency-Key": {long[:257]}}},
		{name: "idempotency key twice", body: edit("Hi", "Hi"), status: 400, field: "Idempotency-Key",
			header: http.Header{"Idempotency-Key": {"a", "b"}}},
		{name: "idempotency key not UTF-8", body: edit("Hi", "Hi"), status: 400, field: "Idempotency-Key",
			header: http.Header{"Idempotency-Key": {"\xff"}}},
		{name: "media a link", body: withMember(`"media":"https://cdn.example/a.png"`), status: 400, field: "payload.media"},
		{name: "media with null", body: withMember(`"media":[null]`), status: 400, field: "payload.media.0"},
		{name: "empty media and no text", body: withoutText(`"media":[]`), status: 400, field: "payload.userSay"},
		{name: "medium without a type", body: withMember(`"media":[{"url":"https://cdn.example/a"}]`), status: 400,
			field: "payload.media.0.type"},
		{name: "medium of an unknown type", body: withMember(`"media":[{"type":"img","url":"https://cdn.example/a"}]`), status: 400,
			field: "payload.media.0.type"},
		{name: "medium without a link", body: withMember(`"media":[` + medium0 + `,{"type":"image"}]`), status: 400,
			field: "payload.media.1.url"},
		{name: "medium with a relative link", body: withMember(`"media":[{"type":"image","url":"/a.png"}]`), status: 400,
			field: "payload.media.0.url"},
		{name: "medium with its bytes", body: withMember(`"media":[{"type":"image","url":"data:image/png;base64,AA=="}]`), status: 400,
			field: "payload.media.0.url"},
		{name: "medium with a file URL", body: withMember(`"media":[{"type":"file","url":"file:///etc/passwd"}]`), status: 400,
			field: "payload.media.0.url"},
		{name: "medium with a script", body: withMember(`"media":[{"type":"file","url":"javascript:alert(1)"}]`), status: 400,
			field: "payload.media.0.url"},
		{name: "medium with credentials", body: withMember(`"media":[{"type":"file","url":"https://u:p@cdn.example/a"}]`), status: 400,
			field: "payload.media.0.url"},
		{name: "medium with a long link", body: withMember(`"media":[{"type":"file","url":"https://cdn.example/` + long + long + `"}]`), status: 400,
			field: "payload.media.0.url"},
		{name: "medium with a long name", body: withMember(`"media":[{"type":"file","url":"https://cdn.example/a","name":"` + long + `"}]`),
			status: 400, field: "payload.media.0.name"},
		{name: "medium with a line end in its type", status: 400, field: "payload.media.0.contentType",
			body: withMember(`"media":[{"type":"file","url":"https://cdn.example/a","contentType":"a/b\r\nx: y"}]`)},
		{name: "medium with a long caption", status: 400, field: "payload.media.0.text",
			body: withMember(`"media":[{"type":"file","url":"https://cdn.example/a","text":"` + strings.Repeat(long, 14) + `"}]`)},
		{name: "medium of negative size", body: withMember(`"media":[{"type":"file","url":"https://cdn.example/a","size":-1}]`), status: 400,
			field: "payload.media.0.size"},
		{name: "medium of fractional size", body: withMember(`"media":[{"type":"file","url":"https://cdn.example/a","size":0.5}]`), status: 400,
			field: "payload.media.0.size"},
		{name: "too many media", body: withMember(`"media":[` + strings.Repeat(medium0+",", 62) + medium0 + `]`), status: 400,
			field: "payload.media"},
		{name: "event a string", body: withMember(`"event":"typing"`), status: 400, field: "payload.event"},
		{name: "event without a type", body: withoutText(`"event":{}`), status: 400, field: "payload.event.type"},
		{name: "null event and no text", body: withoutText(`"event":null`), status: 400, field: "payload.userSay"},
		{name: "read nothing", body: withoutText(`"event":{"type":"read"}`), status: 400, field: "payload.event.messageIds"},
		{name: "read null", body: withoutText(`"event":{"type":"read","messageIds":[null]}`), status: 400,
			field: "payload.event.messageIds.0"},
		{name: "read an empty id", body: withoutText(`"event":{"type":"read","messageIds":["a",""]}`), status: 400,
			field: "payload.event.messageIds.1"},
		{name: "read a number", body: withoutText(`"event":{"type":"read","messageIds":[1]}`), status: 400,
			field: "payload.event.messageIds.0"},
		{name: "read too many", body: withoutText(`"event":{"type":"read","messageIds":["a"` + strings.Repeat(`,"a"`, 64) + `]}`), status: 400,
			field: "payload.event.messageIds"},
		{name: "hops negative", body: edit("Hi", "Hi"), status: 400, field: "Patchbay-Hops",
			header: http.Header{"Patchbay-Hops": {"-1"}}},
		{name: "hops not a number", body: edit("Hi", "Hi"), status: 400, field: "Patchbay-Hops",
			header: http.Header{"Patchbay-Hops": {"1, 2"}}},
		{name: "hops too many", body: edit("Hi", "Hi"), status: 400, field: "Patchbay-Hops",
			header: http.Header{"Patchbay-Hops": {"10000"}}},
		{name: "hops twice", body: edit("Hi", "Hi"), status: 400, field: "Patchbay-Hops",
			header: http.Header{"Patchbay-Hops": {"1", "1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := request(tt.body)
			for name, values := range tt.header {
				req.Header[name] = values
			}
			if tt.path != "" {
				req.Path = tt.path
			}
			got, err := a.Receive(t.Context(), req)
			checkRefusal(t, got, err, tt.status, tt.field)
		})
	}
}

// checkRefusal checks status, field and kind of a refusal, and that its body has the same.
func checkRefusal(t *testing.T, got *sdk.Reception, err error, status int, field string) {
	t.Helper()
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok || got != nil {
		t.Fatalf("got %+v, error %v; want a refusal", got, err)
	}
	if e.Status != status || e.Field != field {
		t.Errorf("refused with %d %q, want %d %q", e.Status, e.Field, status, field)
	}
	kind := sdk.KindInvalid
	if status == http.StatusUnauthorized {
		kind = sdk.KindUnauthorized
	}
	if e.Kind != kind {
		t.Errorf("kind %s, want %s", e.Kind, kind)
	}
	var body struct {
		Error struct {
			Status         int
			Field, Message string
		}
	}
	if err := json.Unmarshal(e.Body, &body); err != nil {
		t.Fatalf("body %q: %v", e.Body, err)
	}
	if body.Error.Status != status || body.Error.Field != field || body.Error.Message == "" {
		t.Errorf("body %s, want status %d, field %q and a message", e.Body, status, field)
	}
	if strings.Contains(string(e.Body)+e.Error(), testToken) {
		t.Errorf("the refusal contains the token: %s", e.Body)
	}
}

func TestPathAndTokenSelectTheChannel(t *testing.T) {
	const format = `{"organization":"ORG","chatbot":"BOT","access_token":"TOKEN","reply_url":"https://site.example/"}`
	account := func(organization, bot, token string) string {
		return strings.NewReplacer("ORG", organization, "BOT", bot, "TOKEN", token).Replace(format)
	}
	a := configured(t, map[string]string{
		"one":     account("acme", "faq", "t1"),
		"two":     account("acme", "sales", "t2"),
		"odd":     account("a/b %", "机器人", "t3"),
		"twin":    account("acme", "faq", "t4"),
		"slash":   account("acme", "faq/eu", "t6"),
		"removed": account("gone", "faq", "t5"),
	}, nil)
	prefixed := sdk.Channel{Name: "prefixed", Role: envelope.RoleCustomer, Prefix: "/x",
		Settings: sdk.NewSettings([]byte(account("acme", "faq", "t1")))}
	if _, err := a.Configure(t.Context(), prefixed); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, token, want string }{
		{"first", "acme/faq", "t1", "one"},
		{"second", "acme/sales", "t2", "two"},
		{"escaped names", "a%2Fb%20%25/%E6%9C%BA%E5%99%A8%E4%BA%BA", "t3", "odd"},
		{"same names, different token", "acme/faq", "t4", "twin"},
		{"escaped slash", "acme/faq%2Feu", "t6", "slash"},
		{"unescaped slash", "acme/faq/eu", "t6", ""},
		{"token of the neighbor", "acme/sales", "t1", ""},
		{"token of a channel that is not on this path", "gone/faq", "t5", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := request(edit(testToken, tt.token))
			req.Channels = []string{"unheard-of", "one", "two", "odd", "twin", "slash"}
			req.Path = messagesPath + tt.path
			got, err := a.Receive(t.Context(), req)
			if tt.want == "" {
				if err == nil {
					t.Fatalf("accepted for %s", got.Envelopes[0].Channel)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if name := got.Envelopes[0].Channel; name != tt.want {
				t.Errorf("channel %s, want %s", name, tt.want)
			}
			th, ok := parseThread(got.Envelopes[0].Thread)
			ch := a.channel(tt.want)
			if want := (thread{ch.Organization, ch.Chatbot, "u1"}); !ok || th != want {
				t.Errorf("thread %+v, want %+v", th, want)
			}
		})
	}
}

func TestMessageBeforeConfigureIsTransient(t *testing.T) {
	_, err := newAdapter().Receive(t.Context(), request(edit("Hi", "Hi")))
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Kind != sdk.KindTransient || e.Status != 503 {
		t.Errorf("got %v, want a transient refusal with 503", err)
	}
}

func TestMessageID(t *testing.T) {
	a := configured(t, map[string]string{"livechat": livechat}, nil)
	withID := edit(`{"userId"`, `{"messageId":"from-body","userId"`)
	tests := []struct {
		name, body string
		header     http.Header
		id         string
		hops       int
	}{
		{"none", edit("Hi", "Hi"), nil, "", 0},
		{"body", withID, nil, "from-body", 0},
		{"header", edit("Hi", "Hi"), http.Header{"Idempotency-Key": {"from-header"}}, "from-header", 0},
		{"body has priority", withID, http.Header{"Idempotency-Key": {"from-header"}}, "from-body", 0},
		{"empty body", edit(`{"userId"`, `{"messageId":"","userId"`), http.Header{"Idempotency-Key": {"h"}}, "h", 0},
		{"empty header", edit("Hi", "Hi"), http.Header{"Idempotency-Key": {""}}, "", 0},
		{"longest", edit("Hi", "Hi"), http.Header{"Idempotency-Key": {strings.Repeat("k", 256)}}, strings.Repeat("k", 256),
			0},
		{"hops", edit("Hi", "Hi"), http.Header{"Patchbay-Hops": {"3"}}, "", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := request(tt.body)
			for name, values := range tt.header {
				req.Header[name] = values
			}
			var ids []string
			for range 2 { // a repeated message has the same id
				got, err := a.Receive(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				e := got.Envelopes[0]
				ids = append(ids, e.VendorID)
				if e.Hops != tt.hops {
					t.Errorf("hops %d, want %d", e.Hops, tt.hops)
				}
			}
			if diff := cmp.Diff([]string{tt.id, tt.id}, ids); diff != "" {
				t.Errorf("vendor id (-want +got):\n%s", diff)
			}
		})
	}
}

// Fields of the maximum size are accepted.
func TestFieldsOfMaximumSizeAreAccepted(t *testing.T) {
	a := configured(t, map[string]string{"livechat": livechat}, nil)
	link := "https://cdn.example/" + strings.Repeat("x", envelope.MaxLinkBytes-len("https://cdn.example/"))
	// Each slash becomes three bytes in a thread.
	fixed := len(thread{"d8ai", "d8ai_chatbot", ""}.String())
	user := strings.Repeat("/", (envelope.MaxThreadBytes-fixed)/3) + strings.Repeat("u", (envelope.MaxThreadBytes-fixed)%3)
	for name, body := range map[string]string{
		"link":    withoutText(`"media":[{"type":"image","url":"` + link + `"}]`),
		"caption": withoutText(`"media":[{"type":"image","url":"` + link + `","text":"` + strings.Repeat("x", envelope.MaxTextBytes) + `"}]`),
		"name": withoutText(`"media":[{"type":"file","url":"` + link + `","name":"` + strings.Repeat("n", maxFieldBytes) +
			`","contentType":"a/` + strings.Repeat("b", maxFieldBytes-2) + `"}]`),
		"text and media": withMember(`"media":[` + strings.Repeat(medium0+",", maxMedia-1) + medium0 + `]`),
		"words":          edit("Hi", strings.Repeat("x", envelope.MaxTextBytes)),
		"custom payload": edit(`{"data":"d"}`,
			`{"x":"`+strings.Repeat("x", envelope.MaxAttributeBytes-len(attrCustomPayload)-len(`{"x":""}`))+
				`"}`),
		"message ids": withoutText(`"event":{"type":"read","messageIds":["a"` + strings.Repeat(`,"a"`, envelope.MaxReferences-1) + `]}`),
		"thread":      strings.ReplaceAll(edit("Hi", "Hi"), `"u1"`, `"`+user+`"`),
	} {
		got, err := a.Receive(t.Context(), request(body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := got.Envelopes[0].Validate(); err != nil {
			t.Errorf("%s: invalid envelope: %v", name, err)
		}
		if name == "thread" && len(got.Envelopes[0].Thread) != envelope.MaxThreadBytes {
			t.Errorf("thread of %d bytes", len(got.Envelopes[0].Thread))
		}
	}
}

// A text is accepted if the website has cut it between the halves of a surrogate pair. The answer returns its userData.
func TestLoneSurrogatesAreReplaced(t *testing.T) {
	a := configured(t, map[string]string{"livechat": livechat}, nil)
	got, err := a.Receive(t.Context(), request(strings.NewReplacer(`"Hi"`, `"cut \ud83d"`, `"d"`, `"\ude00"`, `["a"]`, `["\ud83d"]`).
		Replace(edit("Hi", "Hi"))))
	if err != nil {
		t.Fatal(err)
	}
	e := got.Envelopes[0]
	if e.Text() != "cut \ufffd" || !json.Valid([]byte(e.Attributes[attrCustomPayload])) {
		t.Errorf("got %+v", e)
	}
	r, degraded, err := reply(&sdk.Delivery{Thread: e.Thread, Envelope: e})
	if err != nil || len(degraded) > 0 || !strings.Contains(string(r.Payload.UserData.CustomPayload), "ufffd") {
		t.Errorf("the reply has %+v, degraded %q, error %v", r, degraded, err)
	}
	bot := withBots(t, configured(t, nil, nil), map[string]string{"faq": faq}, nil)
	got, err = bot.Receive(t.Context(), answer(t, "faq", `{"userId":"u","payload":{"botSay":"cut \ud83d"}}`))
	if err != nil || got.Envelopes[0].Text() != "cut \ufffd" {
		t.Errorf("the answer gives %+v, %v", got, err)
	}
	got, err = bot.Receive(t.Context(), answer(t, "faq", `{"userId":"u","payload":{"botSay":["cut \ud83d"]}}`))
	if err != nil || got.Envelopes[0].Kind != envelope.KindUnparsed || len(got.Envelopes[0].Raw) == 0 {
		t.Errorf("the unparsed answer gives %+v, %v", got, err)
	}
}
