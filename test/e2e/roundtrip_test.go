package e2e

import (
	"context"
	"flag"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"patchbay/sandbox/botwebhook"
	"patchbay/sandbox/native"
	"patchbay/test/harness"
)

// The roundtrip tests check that a text or file that both vendors support arrives unchanged. Each test has a separate
// system, and each check has a separate customer. A check draws all values before its first call, because rapid can
// discard a check while it draws.

// defaultChecks is the number of checks per test unless -rapid.checks is set.
const defaultChecks = 20

func init() {
	if err := flag.Set("rapid.checks", strconv.Itoa(defaultChecks)); err != nil {
		panic(err)
	}
}

// maxText is the maximum size of a text in bytes.
const maxText = 64 << 10

// belowMax reports whether a text is smaller than maxText, so that a test can add a prefix.
func belowMax(text string) bool { return len(text) < maxText }

// awkwardTexts lists texts that an incorrect program could change, for example by trimming, escaping, normalising or
// executing them.
var awkwardTexts = []string{
	" ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u2028", "\u2029", "\ufeff", "\ufffd",
	"\ufffe", "\U0010ffff", "e\u0301", "\u0301", "A\u030a\u0323", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "שלום", "\u202eabc\u202c", "مرحبا",
	"你好，世界", "한국어", "ﬁ", "ß", "İ",
	`{"a":[1,2]}`, `"`, `\`, `\u0041`, `\\n`, "</script><script>", "&amp;", "<b>", "'; DROP TABLE users; --", "%s%d%00",
	"${env:HOME}", "{{.}}",
	"data: {\"code\":0}\n\n", "null", "[image] x", "Customer: ",
}

// anyText generates texts that are not blank, from one rune to exactly maxText. They have no control characters that
// the gateway removes.
var anyText = rapid.Custom(func(t *rapid.T) string {
	kept := rapid.Rune().Filter(func(r rune) bool { return !unicode.IsControl(r) || strings.ContainsRune("\t\n\r", r) })
	piece := rapid.OneOf(rapid.SampledFrom(awkwardTexts), rapid.StringOfN(kept, 1, 20, -1),
		rapid.StringMatching(`[a-z]{1,12} `), rapid.StringOfN(rapid.RuneFrom([]rune("字好😀🏽é\u0301ש")), 1, 20, -1))
	said := strings.Join(rapid.SliceOfN(piece, 1, 10).Draw(t, "pieces"), "")
	if !strings.ContainsFunc(said, isVisible) {
		said += "x"
	}
	if length := rapid.SampledFrom([]int{0, 0, 0, 0, 1023, 1024, 1025, 3000, maxText}).Draw(t, "length"); length > 0 {
		said = strings.Repeat(said, length/len(said)+1)[:length]
		for !utf8.ValidString(said) { // a rune is cut
			said = said[:len(said)-1]
		}
		said += strings.Repeat("x", length-len(said))
	}
	return said
})

func isVisible(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.P, unicode.S) && r != '\u2800'
}

// distinctTexts generates the texts of consecutive messages. They differ, so that the test can identify each message.
var distinctTexts = rapid.Custom(func(t *rapid.T) []string {
	return rapid.SliceOfNDistinct(anyText, 1, 4, rapid.ID[string]).Draw(t, "texts")
})

var customers atomic.Int64

// anyCustomer generates user names of all characters that the live chat allows. Each name is unique.
var anyCustomer = rapid.Custom(func(t *rapid.T) string {
	notControl := rapid.Rune().Filter(func(r rune) bool { return !unicode.IsControl(r) })
	printable := rapid.OneOf(rapid.RuneFrom([]rune(`/%+ .~?#&"\<>é字😀`)), notControl)
	return rapid.StringOfN(printable, 0, 12, 100).Draw(t, "customer") + strconv.FormatInt(customers.Add(1), 10)
})

// shortID returns the 32-character id of a customer at bots and desks. Unlike deskID, it escapes the name.
func shortID(user string) string {
	return deskID(strings.NewReplacer("%", "%25", "/", "%2F").Replace(user))
}

// testContext returns a context that ends after harness.Timeout.
func testContext(t *rapid.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), harness.Timeout)
	t.Cleanup(cancel)
	return ctx
}

// mustSay sends a customer's message, which the gateway must accept.
func (s *system) mustSay(t *rapid.T, user, said string, opts ...native.Option) {
	t.Helper()
	if err := harness.Say(testContext(t), s.Livechat, user, said, opts...); err != nil {
		t.Fatal(err)
	}
}

// awaitAnswers waits until a customer has n answers from role, and returns all of them.
func (s *system) awaitAnswers(t *rapid.T, user, role string, n int) []native.Answer {
	t.Helper()
	var got []native.Answer
	err := s.Livechat.Answers(user).Wait(testContext(t), func(all []native.Answer) bool {
		got = slices.DeleteFunc(slices.Clone(all), func(a native.Answer) bool { return a.Payload.Sender.Role != role })
		return len(got) >= n
	})
	if err != nil {
		t.Fatalf("%q got %d answers from %s, want %d: %v", user, len(got), role, n, err)
	}
	return got
}

func textsOf(answers []native.Answer) []string {
	var out []string
	for _, a := range answers {
		out = append(out, a.Payload.BotSay)
	}
	return out
}

// expectEqual fails a check if the texts differ.
func expectEqual(t *rapid.T, what string, want, got []string) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

// echoBot answers with the question.
func echoBot(_ botwebhook.Conversation, messages []botwebhook.Message) []botwebhook.Answer {
	return []botwebhook.Answer{{Text: botwebhook.Question(messages)}}
}

// botModes lists the ways to call a bot and to get its answers.
var botModes = map[string]struct {
	form     botwebhook.Form
	stream   botwebhook.Stream
	settings []string
}{
	"webhook, v2 call":   {settings: nil},
	"webhook, flow body": {form: botwebhook.FormFlow},
	"webhook, v2 body":   {form: botwebhook.FormV2},
	"webhook, v1 call":   {settings: []string{"api: v1"}},
	"blocking":           {settings: []string{"mode: blocking"}},
	"blocking, v1 call":  {settings: []string{"mode: blocking", "api: v1"}},
	"streaming":          {settings: []string{"mode: streaming"}},
	"streaming, bare":    {stream: botwebhook.Stream{Bare: true, Pieces: 7}, settings: []string{"mode: streaming"}},
	"streaming, joined":  {stream: botwebhook.Stream{Joined: true}, settings: []string{"mode: streaming"}},
}

// withoutRules returns a configuration without rules and limits.
func withoutRules(settings map[string][]string) harness.Config {
	return harness.Config{Routes: "[]", Limits: []string{"limits: {opened_per_minute: 0}"}, Settings: settings}
}

// Texts arrive unchanged and in order.
func TestMessagesReachTheBotAndComeBack(t *testing.T) {
	t.Parallel()
	for name, way := range botModes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{Bots: botwebhook.Options{Form: way.form, Stream: way.stream, Answer: echoBot}},
				withoutRules(map[string][]string{"faq": way.settings}))
			rapid.Check(t, func(t *rapid.T) {
				user, questions := anyCustomer.Draw(t, "user"), distinctTexts.Draw(t, "questions")
				for _, text := range questions {
					s.mustSay(t, user, text)
				}
				answers := s.awaitAnswers(t, user, "bot", len(questions))
				expectEqual(t, "answers", questions, textsOf(answers))
				conversations := s.Bots.Conversations(shortID(user))
				if len(conversations) != 1 {
					t.Fatalf("%d conversations at the bot, want one for %q", len(conversations), user)
				}
				var got []string
				for _, a := range s.Bots.SendCalls.Select(func(a botwebhook.SendCall) bool { return a.Conversation == conversations[0] }) {
					got = append(got, botwebhook.Question(a.Messages))
				}
				expectEqual(t, "questions", questions, got)
			})
			s.expectNoProblems(t)
		})
	}
}

// A user name may have up to 256 bytes, if the escaped name fits into the thread.
func TestLongUserNamesWork(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, withoutRules(nil))
	for _, user := range []string{
		strings.Repeat("/", 150), strings.Repeat("%/", 75), strings.Repeat("字", 85), strings.Repeat("😀", 64),
	} {
		s.say(t, user, "hello")
		s.expect(t, user, "bot", greeting)
	}
	status, _, err := s.Livechat.Say(harness.TestContext(t), strings.Repeat("/", 256), "hello")
	if err != nil || status != http.StatusBadRequest {
		t.Errorf("a name of 256 slashes: status %d, %v; want 400", status, err)
	}
	s.expectNoProblems(t)
}
