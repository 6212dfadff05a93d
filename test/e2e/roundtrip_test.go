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

// What a vendor says and the next one can carry arrives unchanged. The properties run over the real programs; each has a
// world of its own, and each try a customer of its own. A try draws everything before it does anything: one that can't be drawn to its
// end is left there.

// tries is how often each property is tried unless -rapid.checks says otherwise.
const tries = 20

func init() {
	if err := flag.Set("rapid.checks", strconv.Itoa(tries)); err != nil {
		panic(err)
	}
}

// most is the longest text that live chats, bots and desks can say, in bytes.
const maxText = 64 << 10

// below leaves room for what is put before the words.
func belowMax(words string) bool { return len(words) < maxText }

// awkward are pieces of text that careless programs change: by trimming, escaping, normalising, or running them.
var awkwardTexts = []string{
	" ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u2028", "\u2029", "\u0085", "\x00", "\x01", "\x1b[31m", "\x7f", "\ufeff", "\ufffd",
	"\ufffe", "\U0010ffff", "e\u0301", "\u0301", "A\u030a\u0323", "👩‍👩‍👧‍👦", "🇩🇪", "👍🏽", "שלום", "\u202eabc\u202c", "مرحبا", "你好，世界", "한국어", "ﬁ", "ß", "İ",
	`{"a":[1,2]}`, `"`, `\`, `\u0041`, `\\n`, "</script><script>", "&amp;", "<b>", "'; DROP TABLE users; --", "%s%d%00", "${env:HOME}", "{{.}}",
	"data: {\"code\":0}\n\n", "null", "[image] x", "Customer: ",
}

// text is anything that can be said: a few runes, or long up to exactly the limit.
var anyText = rapid.Custom(func(t *rapid.T) string {
	piece := rapid.OneOf(rapid.SampledFrom(awkwardTexts), rapid.StringOfN(rapid.Rune(), 1, 20, -1),
		rapid.StringMatching(`[a-z]{1,12} `), rapid.StringOfN(rapid.RuneFrom([]rune("字好😀🏽é\u0301ש")), 1, 20, -1))
	said := strings.Join(rapid.SliceOfN(piece, 1, 10).Draw(t, "pieces"), "")
	if length := rapid.SampledFrom([]int{0, 0, 0, 0, 1023, 1024, 1025, 3000, maxText}).Draw(t, "length"); length > 0 {
		said = strings.Repeat(said, length/len(said)+1)[:length]
		for !utf8.ValidString(said) { // a rune was cut
			said = said[:len(said)-1]
		}
		said += strings.Repeat("x", length-len(said))
	}
	return said
})

// texts are what somebody says one after the other. They differ, so that none can stand for another.
var distinctTexts = rapid.Custom(func(t *rapid.T) []string {
	return rapid.SliceOfNDistinct(anyText, 1, 4, rapid.ID[string]).Draw(t, "texts")
})

var customers atomic.Int64

// customer is a name that no other try has: of any characters that a live chat may use.
var anyCustomer = rapid.Custom(func(t *rapid.T) string {
	printable := rapid.OneOf(rapid.RuneFrom([]rune(`/%+ .~?#&"\<>é字😀`)), rapid.Rune().Filter(func(r rune) bool { return !unicode.IsControl(r) }))
	return rapid.StringOfN(printable, 0, 12, 100).Draw(t, "customer") + strconv.FormatInt(customers.Add(1), 10)
})

// shortID is a customer's id at bots and desks, whatever is in the name.
func shortID(user string) string {
	return deskID(strings.NewReplacer("%", "%25", "/", "%2F").Replace(user))
}

// shortly ends when what a try waits for ought to have come, also a text of many pieces: each is a record and a call of its own.
func soon(t *rapid.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	t.Cleanup(cancel)
	return ctx
}

// sends has a customer say something, which must be taken.
func (s *system) mustSay(t *rapid.T, user, said string, opts ...native.Option) {
	t.Helper()
	status, body, err := s.Livechat.Say(soon(t), user, said, opts...)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%q says %.80q: status %d, %s, %v", user, said, status, body, err)
	}
}

// gets returns a customer's first n answers from role, waiting for them.
func (s *system) awaitAnswers(t *rapid.T, user, role string, n int) []native.Answer {
	t.Helper()
	var got []native.Answer
	err := s.Livechat.Wait(soon(t), user, func(all []native.Answer) bool {
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

// same fails a try if texts differ.
func expectEqual(t *rapid.T, what string, want, got []string) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Fatalf("%s (-want +got):\n%s", what, cmp.Diff(want, got))
	}
}

// repeater is a bot that says what it hears.
func echoBot(_ botwebhook.Conversation, messages []botwebhook.Message) []botwebhook.Answer {
	return []botwebhook.Answer{{Text: botwebhook.Question(messages)}}
}

// botWays are the ways in which a bot is asked and answers.
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

// unruled is a gateway that lets everybody say everything.
func withoutRules(settings map[string][]string) harness.Config {
	return harness.Config{Routes: "[]", Limits: []string{"limits: {opened_per_minute: 0}"}, Settings: settings}
}

// TestWordsReachTheBotAndComeBack: the customer's words are the bot's question, and the bot's words the customer's answer,
// to the byte and in their order.
func TestWordsReachTheBotAndComeBack(t *testing.T) {
	t.Parallel()
	for name, way := range botModes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, harness.Vendors{Bots: botwebhook.Options{Form: way.form, Stream: way.stream, Brain: echoBot}},
				withoutRules(map[string][]string{"faq": way.settings}))
			rapid.Check(t, func(t *rapid.T) {
				user, said := anyCustomer.Draw(t, "user"), distinctTexts.Draw(t, "said")
				for _, words := range said {
					s.mustSay(t, user, words)
				}
				answers := s.awaitAnswers(t, user, "bot", len(said))
				expectEqual(t, "what the customer hears", said, textsOf(answers))
				asked := s.Bots.Conversations(shortID(user))
				if len(asked) != 1 {
					t.Fatalf("%d conversations at the bot's, want one for %q", len(asked), user)
				}
				var questions []string
				for _, a := range s.Bots.AskedIn(asked[0].ID) {
					questions = append(questions, botwebhook.Question(a.Messages))
				}
				expectEqual(t, "what the bot is asked", said, questions)
			})
			s.expectNoProblems(t)
		})
	}
}

// TestLongNames: a customer's name may have 256 bytes of anything but control characters, as long as the thread has room for it.
func TestLongNames(t *testing.T) {
	t.Parallel()
	s := newSystem(t, harness.Vendors{}, withoutRules(nil))
	for _, user := range []string{strings.Repeat("/", 150), strings.Repeat("%/", 75), strings.Repeat("字", 85), strings.Repeat("😀", 64)} {
		s.say(t, user, "hello")
		s.expect(t, user, "bot", greeting)
	}
	if status, _, err := s.Livechat.Say(harness.Soon(t), strings.Repeat("/", 256), "hello"); err != nil || status != http.StatusBadRequest {
		t.Errorf("a name of 256 slashes: status %d, %v; want 400", status, err)
	}
	s.expectNoProblems(t)
}
