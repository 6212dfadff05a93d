package route

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/envelope"
)

func TestRuleProblems(t *testing.T) {
	offer := func(o Offer) *Offer { return &o }
	for _, tc := range []struct {
		name string
		rule Rule
		want string
	}{
		{"no name", Rule{To: ToOwner}, "name: missing; it identifies the rule in metrics and traces"},
		{"bad name", Rule{Name: "Ask Me", To: ToOwner},
			`name: "Ask Me" must consist of lower-case letters, digits and hyphens, at most 63 characters`},
		{"the name of a reason", Rule{Name: "left", To: ToOwner},
			`name: "left" is a reason that the gateway itself gives; take another name`},
		{"the name of a reason of expired offers", Rule{Name: "expired", To: ToOwner},
			`name: "expired" is a reason that the gateway itself gives; take another name`},
		{"the name of a reason of closed offers", Rule{Name: "closed", To: ToOwner},
			`name: "closed" is a reason that the gateway itself gives; take another name`},
		{"unknown event", Rule{Name: "a", Events: []Event{"conected"}, Say: Say{Default: "x"}},
			`event: there is no event "conected"; events are message, opened, connected, disconnected, ` +
				`handover_requested, passed, closed, offer_failed, idle, unanswered, delivery_failed (did you mean ` +
				`"connected"?)`},
		{"event twice", Rule{Name: "a", Events: []Event{EventPassed, EventPassed}, Say: Say{Default: "x"}},
			`event[1]: event "passed" is listed twice`},
		{"timer and another event", Rule{Name: "a", Events: []Event{EventMessage, EventIdle}, After: time.Minute, Say: Say{Default: "x"}},
			"event: event \"idle\" has `after` and event \"message\" has not; write a rule for each"},
		{"good timer", Rule{Name: "a", Events: []Event{EventIdle, EventUnanswered}, After: time.Second, Say: Say{Default: "x"}}, ""},
		{"timer without after", Rule{Name: "a", Events: []Event{EventUnanswered}, Say: Say{Default: "x"}},
			"after: missing; event \"unanswered\" needs it, such as `after: 10m`"},
		{"short timer", Rule{Name: "a", Events: []Event{EventIdle}, After: time.Second - 1, Say: Say{Default: "x"}},
			"after: must be at least 1s"},
		{"after of another event", Rule{Name: "a", Events: []Event{EventPassed}, After: time.Minute, Say: Say{Default: "x"}},
			`after: applies to events idle and unanswered, not to "passed"`},
		{"idle bot", Rule{Name: "a", Events: []Event{EventIdle}, From: []string{"bot"}, After: time.Minute, Say: Say{Default: "x"}},
			`from: event "idle" is about the customer's channel; event "unanswered" is about a bot or an agent that ` +
				`does not answer (did you mean "customer"?)`},
		{"unanswered customer", Rule{Name: "a", Events: []Event{EventUnanswered}, From: []string{"customer"},
			After: time.Minute, Say: Say{Default: "x"}},
			`warning: from: never matches: event "unanswered" is about a channel of role bot or agent`},
		{"good end", Rule{Name: "a", Events: []Event{EventClosed}, From: []string{"customer"}, Say: Say{Default: "x"}, Copy: []string{"audit"}}, ""},
		{"end with effects", Rule{Name: "a", Events: []Event{EventClosed}, Pass: "desk", Say: Say{Default: "x"}, Drop: true},
			`drop: applies to messages, and event "closed" has none` + "\n" +
				`pass: has no effect on event "closed": the conversation has ended, so only say and copy are possible`},
		{"unknown from", Rule{Name: "a", From: []string{"bot", "dsk"}, Say: Say{Default: "x"}},
			`from[1]: there is no channel or role "dsk" (did you mean "desk"?)`},
		{"from twice", Rule{Name: "a", From: []string{"bot", "bot"}, Say: Say{Default: "x"}}, `from[1]: "bot" is listed twice`},
		{"event of other roles", Rule{Name: "a", Events: []Event{EventOfferFailed}, From: []string{"customer"},
			Say: Say{Default: "x"}},
			`warning: from: never matches: event "offer_failed" is about a channel of role bot or agent`},
		{"pass to an unknown channel", Rule{Name: "a", Pass: "hom"},
			`pass: there is no channel "hom" (did you mean "home"?)`},
		{"pass to customer", Rule{Name: "a", Pass: "livechat"},
			`pass: channel "livechat" has role customer; pass needs a channel of role bot or agent`},
		{"home to home", Rule{Name: "a", Home: "home"}, `home: there is no channel "home"`},
		{"copy to bot", Rule{Name: "a", Copy: []string{"faq"}},
			`copy: channel "faq" has role bot; copy needs a channel of role observer`},
		{"copy twice", Rule{Name: "a", Copy: []string{"audit", "audit"}}, `copy[1]: "audit" is listed twice`},
		{"copy of an event without an envelope", Rule{Name: "a", Events: []Event{EventMessage, EventOfferFailed},
			Copy: []string{"audit"}},
			"copy: works on message, connected, disconnected, handover_requested, passed, closed, " +
				`not on event "offer_failed", which has no envelope`},
		{"delivery to an observer failed", Rule{Name: "a", Events: []Event{EventDeliveryFailed}, From: []string{"observer"},
			Say: Say{Default: "x"}},
			`warning: from: never matches: event "delivery_failed" is about a channel of role customer or bot or agent`},
		{"offer without targets", Rule{Name: "a", Offer: offer(Offer{})},
			"offer.to: missing; list the channels that get the offer, in order"},
		{"offer twice", Rule{Name: "a", Offer: NewOffer("desk", "desk")}, `offer.to[1]: "desk" is listed twice`},
		{"offer to observer", Rule{Name: "a", Offer: NewOffer("audit")},
			`offer.to: channel "audit" has role observer; offer.to needs a channel of role bot or agent`},
		{"offer without end", Rule{Name: "a", Offer: offer(Offer{To: []string{"desk"}, Within: 25 * time.Hour})},
			"offer.within: must be more than 0 and at most 24h"},
		{"offer else", Rule{Name: "a", Offer: offer(Offer{To: []string{"desk"}, Else: "nigt"})},
			`offer.else: there is no channel "nigt" (did you mean "night"?)`},
		{"pass and offer", Rule{Name: "a", Pass: "faq", Offer: NewOffer("desk")},
			"offer: a rule has at most one of pass, offer and close, this one has pass and offer"},
		{"close and offer", Rule{Name: "a", Close: true, Offer: NewOffer("desk")},
			"close: a rule has at most one of pass, offer and close, this one has offer and close"},
		{"close and pass", Rule{Name: "a", Close: true, Pass: "faq"},
			"close: a rule has at most one of pass, offer and close, this one has pass and close"},
		{"close and continue", Rule{Name: "a", Close: true, Continue: true},
			"continue: can be combined with set and copy, but not with close: later rules could contradict it"},
		{"good close", Rule{Name: "a", Events: []Event{EventHandoverRequested}, Close: true, Say: Say{Default: "x"},
			Copy: []string{"audit"}}, ""},
		{"drop and to", Rule{Name: "a", Drop: true, To: ToOwner},
			"to: contradicts drop: a message is either delivered or dropped"},
		{"drop an event", Rule{Name: "a", Events: []Event{EventConnected}, Drop: true},
			`drop: applies to messages, and event "connected" has none`},
		{"to an unknown target", Rule{Name: "a", To: "custmer"},
			`to: must be owner or customer, not "custmer" (did you mean "customer"?)`},
		{"back to customer", Rule{Name: "a", From: []string{"livechat"}, To: ToCustomer},
			`to: a message never goes back to its sender, and this rule is about customers (did you mean "owner"?)`},
		{"continue with say", Rule{Name: "a", Set: map[string]string{"a": "b"}, Say: Say{Default: "x"}, Continue: true},
			"continue: can be combined with set and copy, but not with say: later rules could contradict it"},
		{"nothing", Rule{Name: "a", Continue: true},
			": does nothing; add an action, or `to: owner` to end the evaluation"},
		{"blank text", Rule{Name: "a", Say: Say{Default: " \n"}}, "say: contains no text"},
		{"texts without a default", Rule{Name: "a", Say: Say{Languages: map[string]string{"zh": "你好"}}},
			"say.default: missing; add the text for customers whose language is unknown or not listed"},
		{"texts of a language twice", Rule{Name: "a", Say: Say{Default: "x", Languages: map[string]string{
			"zh-CN": "你好", "zh_cn": "您好", "zh": "你好", "chinese!": " "}}},
			"say.chinese!: \"chinese!\" is not a language tag, such as zh or pt-BR\nsay.chinese!: contains no text\n" +
				"say.zh_cn: is the same language as zh-CN"},
		{"text that is too long", Rule{Name: "a", Say: Say{Default: strings.Repeat("x", envelope.MaxTextBytes+1)}},
			fmt.Sprintf("say: has %d bytes, at most %d are possible", envelope.MaxTextBytes+1, envelope.MaxTextBytes)},
		{"text of another encoding", Rule{Name: "a", Say: Say{Default: "Gr\xfc\xdfe"}}, "say: is not valid UTF-8"},
		{"condition of another encoding", Rule{Name: "a", When: "text == 'Gr\xfc\xdfe'", To: ToOwner},
			"when: is not valid UTF-8"},
		{"unknown value in a text", Rule{Name: "a", Say: Say{Default: "Hello {{custmer_name}}, {{ owner }}, {{attr x}}"}},
			"say: {{custmer_name}} is not known; " + placeholderHelp + ` (did you mean "customer_name"?)` + "\n" +
				"say: {{ owner }} is not known; " + placeholderHelp + "\n" +
				"say: {{attr x}} is not known; " + placeholderHelp},
		{"open brace in a text", Rule{Name: "a", Say: Say{Default: "Hello {{customer_name"}},
			"say: {{ has no }}; " + placeholderHelp},
		{"bell", Rule{Name: "a", Say: Say{Default: "x\a"}}, "say: contains the control character U+0007"},
		{"large attribute", Rule{Name: "a", Set: map[string]string{"k": strings.Repeat("x", 5000)}},
			"set.k: has 5001 bytes with the name, at most 4096 are possible"},
		{"attribute without a name", Rule{Name: "a", Set: map[string]string{"": "x"}},
			"set.: an attribute's name is empty or contains a line end or another control character"},
		{"attribute with a line end", Rule{Name: "a", Set: map[string]string{"a\nb": "x"}},
			"set.a\nb: an attribute's name is empty or contains a line end or another control character"},
		{"attribute of an adapter", Rule{Name: "a", Set: map[string]string{"native.tier": "x"}},
			`set.native.tier: names with a dot are reserved for adapters (did you mean "native_tier"?)`},
		{"too many attributes", Rule{Name: "a", Set: manyAttributes(envelope.MaxAttributes + 1)},
			fmt.Sprintf("set: has %d attributes, at most %d are possible", envelope.MaxAttributes+1, envelope.MaxAttributes)},
		{"good", Rule{Name: "a", From: []string{"customer"}, When: `open("desk")`, Say: Say{Default: "x"},
			Set:  map[string]string{"a": "b"},
			Home: "faq", Offer: NewOffer("desk", "night"), Copy: []string{"audit"}, Drop: true}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, problems := Compile([]Rule{tc.rule}, testChannels)
			var got []string
			for _, p := range problems {
				s := p.Field + ": " + p.Message
				if p.Code.IsWarning() {
					s = "warning: " + s
				}
				if p.Suggestion != "" {
					s += fmt.Sprintf(" (did you mean %q?)", p.Suggestion)
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func manyAttributes(n int) map[string]string {
	out := map[string]string{}
	for i := range n {
		out[fmt.Sprint("a", i)] = "x"
	}
	return out
}

func TestPositionsOfPlaceholders(t *testing.T) {
	_, problems := Compile([]Rule{{Name: "a", Say: Say{Default: "你好 {{customer_name}},\n您 {{tier}}"}}}, testChannels)
	if len(problems) != 1 || problems[0].Line != 2 || problems[0].Column != 3 {
		t.Errorf("problems %+v, want one in line 2, column 3", problems)
	}
}

func TestNamesAndIndexesOfRules(t *testing.T) {
	table, problems := Compile([]Rule{
		{Name: "a", When: "handovers > 1", To: ToOwner}, {Name: "b", When: "handovers > 2", To: ToCustomer},
		{Name: "c", Drop: true},
	}, testChannels)
	if table == nil {
		t.Fatal(problems)
	}
	indexes := table.Indexes([]string{"c", "a", "of an earlier revision"})
	if diff := cmp.Diff(map[int]bool{0: true, 2: true}, indexes); diff != "" {
		t.Errorf("indexes (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "c"}, table.Names(indexes)); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
}

func TestNextTimer(t *testing.T) {
	timer := func(name string, after time.Duration, e Event, from ...string) Rule {
		return Rule{Name: name, Events: []Event{e}, After: after, From: from, Say: Say{Default: "x"}}
	}
	table, problems := Compile([]Rule{
		timer("late", time.Hour, EventUnanswered), timer("bot", time.Minute, EventUnanswered, "bot"),
		timer("desk", 2*time.Minute, EventUnanswered, "desk"), timer("idle", time.Second, EventIdle),
	}, testChannels)
	if table == nil {
		t.Fatal(problems)
	}
	for _, tc := range []struct {
		event   Event
		channel string
		done    time.Duration
		want    time.Duration
	}{
		{EventUnanswered, "faq", 0, time.Minute},
		{EventUnanswered, "faq", time.Minute - 1, time.Minute},
		{EventUnanswered, "faq", time.Minute, time.Hour},
		{EventUnanswered, "faq", time.Hour, 0},
		{EventUnanswered, "desk", 0, 2 * time.Minute},
		{EventUnanswered, "night", 0, time.Hour},
		{EventUnanswered, "removed", 0, time.Minute}, // the channel has no known role
		{EventIdle, "livechat", 0, time.Second},
		{EventMessage, "livechat", 0, 0},
	} {
		if got := table.NextAfter(tc.event, tc.channel, tc.done); got != tc.want {
			t.Errorf("%s of %s after %v: %v, want %v", tc.event, tc.channel, tc.done, got, tc.want)
		}
	}
	if !table.Handles(EventIdle) || table.Handles(EventMessage) {
		t.Error("the table must handle idle and not message")
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, problems := Compile([]Rule{
		{Name: "a", Pass: "unknown", When: "rol == 1"}, {Name: "a", When: "handovers > 1", To: ToOwner},
		{Name: "c", Say: Say{Default: ""}, From: []string{"x"}},
	}, testChannels)
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%d %s %s", p.Index, p.Rule, p.Field))
	}
	want := []string{"0 a pass", "0 a when", "1 a name", "2 c from", "2 c "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUnreachableRulesAreWarnings(t *testing.T) {
	for _, tc := range []struct {
		name  string
		rules []Rule
		want  string
	}{
		{"unconditional before", []Rule{{Name: "a", To: ToOwner}, {Name: "b", From: []string{"bot"}, Say: Say{Default: "x"}}},
			"b by a"},
		{"role covers channel", []Rule{{Name: "a", From: []string{"agent"}, Say: Say{Default: "x"}},
			{Name: "b", From: []string{"desk"}, Say: Say{Default: "y"}}}, "b by a"},
		{"channel does not cover role", []Rule{{Name: "a", From: []string{"desk"}, Say: Say{Default: "x"}},
			{Name: "b", From: []string{"agent"}, Say: Say{Default: "y"}}}, ""},
		{"same condition", []Rule{{Name: "a", When: `open("desk")`, Say: Say{Default: "x"}},
			{Name: "b", When: `open("desk")`, Say: Say{Default: "y"}}}, "b by a"},
		{"other condition", []Rule{{Name: "a", When: `open("desk")`, Say: Say{Default: "x"}}, {Name: "b", Say: Say{Default: "y"}}}, ""},
		{"continue", []Rule{{Name: "a", Copy: []string{"audit"}, Continue: true}, {Name: "b", Say: Say{Default: "y"}}}, ""},
		{"same condition, with its attribute set between", []Rule{{Name: "a", When: `attr("k") == "v"`, Say: Say{Default: "x"}},
			{Name: "s", When: `text == "k"`, Set: map[string]string{"k": "v"}, Continue: true},
			{Name: "b", When: `attr("k") == "v"`, Say: Say{Default: "y"}}}, ""},
		{"same condition, with another attribute set between", []Rule{{Name: "a", When: `attr("k") == "v"`, Say: Say{Default: "x"}},
			{Name: "s", When: `text == "k"`, Set: map[string]string{"other": "v"}, Continue: true},
			{Name: "b", When: `attr("k") == "v"`, Say: Say{Default: "y"}}}, "b by a"},
		{"one event of two", []Rule{{Name: "a", Say: Say{Default: "x"}}, {Name: "b", Events: []Event{EventMessage, EventPassed},
			Say: Say{Default: "y"}}}, ""},
		{"both events", []Rule{{Name: "a", Say: Say{Default: "x"}}, {Name: "b", Events: []Event{EventPassed}, Say: Say{Default: "x"}},
			{Name: "c", Events: []Event{EventMessage, EventPassed}, Say: Say{Default: "y"}}}, "c by a, b"},
		{"both roles", []Rule{{Name: "a", From: []string{"faq"}, To: ToOwner}, {Name: "b", From: []string{"customer", "agent"}, To: ToOwner},
			{Name: "c", From: []string{"livechat", "bot"}, Say: Say{Default: "y"}}}, "c by a, b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table, problems := Compile(tc.rules, testChannels)
			if table == nil {
				t.Fatal(problems)
			}
			got := ""
			for _, p := range problems {
				by := strings.TrimPrefix(p.Message, "is never reached: ")
				by = strings.TrimSuffix(by, " ends the evaluation for every input that it matches")
				by = strings.TrimSuffix(by, " ends the evaluation")
				by = strings.TrimPrefix(by, "for every input that it matches, one of the rules ")
				got += p.Rule + " by " + strings.TrimPrefix(by, "rule ")
			}
			if got != tc.want {
				t.Errorf("got %q, want %q: %v", got, tc.want, problems)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	table, problems := Compile([]Rule{
		{Name: "tag", From: []string{"customer"}, When: `mentions(["invoice"])`,
			Set: map[string]string{"topic": "billing"}, Continue: true},
		{Name: "watch", Copy: []string{"audit"}, Continue: true},
		{Name: "ask", From: []string{"customer"}, When: `owner_role == "bot" && mentions(["agent"])`,
			Offer: NewOffer("desk")},
		{Name: "agent-left", Events: []Event{EventDisconnected}, From: []string{"agent"}, Pass: Home},
		{Name: "desk-only", From: []string{"desk"}, To: ToCustomer},
	}, testChannels)
	if table == nil {
		t.Fatal(problems)
	}
	for _, tc := range []struct {
		name  string
		facts Facts
		want  string
	}{
		{"only the copy", Facts{Event: EventMessage, Channel: "livechat", Role: "customer", OwnerRole: "bot",
			Text: "hello"}, "watch"},
		{"rules with continue, then the last one", Facts{Event: EventMessage, Channel: "livechat", Role: "customer",
			OwnerRole: "bot", Text: "an agent about my invoice"}, "tag watch ask"},
		{"a term that does not hold", Facts{Event: EventMessage, Channel: "livechat", Role: "customer",
			OwnerRole: "agent", Text: "agent"}, "watch"},
		{"by role", Facts{Event: EventDisconnected, Channel: "night", Role: "agent"}, "agent-left"},
		{"by channel", Facts{Event: EventMessage, Channel: "desk", Role: "agent"}, "watch desk-only"},
		{"another channel of the role", Facts{Event: EventMessage, Channel: "night", Role: "agent"}, "watch"},
		{"a channel that is not configured", Facts{Event: EventMessage, Channel: "removed", Role: "agent"}, "watch"},
		{"event without rules", Facts{Event: EventPassed, Channel: "desk", Role: "agent"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, s := range table.Decide(&tc.facts).Steps {
				if table.Rule(s.Index) != s.Rule {
					t.Errorf("step %d does not hold its rule", s.Index)
				}
				got = append(got, s.Rule.Name)
			}
			if s := strings.Join(got, " "); s != tc.want {
				t.Errorf("got %q, want %q", s, tc.want)
			}
		})
	}
}

func TestTableIsSafeForConcurrentUse(t *testing.T) {
	table, problems := Compile([]Rule{{Name: "a", When: `text.matches("^ag") && mentions(["agent"])`, To: ToOwner}},
		testChannels)
	if table == nil {
		t.Fatal(problems)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if d := table.Decide(&Facts{Event: EventMessage, Channel: "livechat", Role: "customer",
					Text: "agent"}); len(d.Steps) != 1 {
					t.Errorf("decision = %+v", d)
				}
			}
		})
	}
	wg.Wait()
}

func TestDefaultsAndCopies(t *testing.T) {
	rules := []Rule{{Name: "a", Offer: &Offer{To: []string{"desk"}}, Set: map[string]string{"a": "b"},
		From: []string{"bot"}}}
	table, _ := Compile(rules, testChannels)
	rules[0].Offer.To[0], rules[0].Set["a"], rules[0].From[0] = "x", "x", "x"
	want := &Rule{Name: "a", Events: []Event{EventMessage}, Offer: &Offer{To: []string{"desk"}, Within: DefaultWithin},
		Set: map[string]string{"a": "b"}, From: []string{"bot"}}
	if diff := cmp.Diff(want, table.Rule(0)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// decideWithoutIndex evaluates all rules and returns the indexes of the matching ones.
func decideWithoutIndex(t *Table, f *Facts) []int {
	var matching []int
	for i := range t.rules {
		c := &t.rules[i]
		if matches, _ := c.matches(f, &input{facts: f}); matches && slices.Contains(c.rule.Events, f.Event) {
			matching = append(matching, i)
			if !c.rule.Continue {
				break
			}
		}
	}
	return matching
}

func TestIndexFindsEveryMatchingRule(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	conditions := []string{
		"", `owner == "faq"`, `"desk" == owner && attr("a") == "1"`, `attr("a") == "2"`, `attr("b") == ""`,
		`owner == "faq" || attr("a") == "1"`, `int(attr("a")) > 1 && owner == "desk"`, `!(attr("a") == "1")`,
		`attr("a") == "1" && attr("a") == "2"`, `data("j", "k.l") == "1"`, `now.weekday == "mon" && data("j", "m") == ""`, `sender_id == "u" && handovers > 0`, `1 / handovers > 0`,
	}
	for range 300 {
		var rules []Rule
		for i := range 12 {
			rule := Rule{Name: fmt.Sprintf("r%d", i), When: conditions[r.IntN(len(conditions))],
				Copy: []string{"audit"}, Continue: r.IntN(3) > 0}
			if from := pick("", "customer", "desk", "agent"); from != "" {
				rule.From = []string{from}
			}
			rule.Events = []Event{Event(pick("message", "passed"))}
			rules = append(rules, rule)
		}
		table, problems := Compile(rules, testChannels)
		if table == nil {
			t.Fatal(problems)
		}
		channel := pick("livechat", "desk", "night")
		f := &Facts{Event: Event(pick("message", "passed")), Channel: channel, Role: testChannels[channel],
			Owner:    pick("faq", "desk", ""),
			SenderID: pick("u", "v"), Handovers: int64(r.IntN(2)), Attributes: map[string]string{"a": pick("1", "2", "x"), "j": pick(`{"k": {"l": 1}}`, `{"k": {"l": 2}}`, "")},
			Now: time.Unix(int64(r.IntN(3))*86400, 0)}
		var indexed []int
		for _, s := range table.Decide(f).Steps {
			indexed = append(indexed, s.Index)
		}
		if diff := cmp.Diff(decideWithoutIndex(table, f), indexed); diff != "" {
			t.Fatalf("(-without index +with index)\n%s\nrules %+v\nfacts %+v", diff, rules, f)
		}
	}
}

func TestClosest(t *testing.T) {
	for _, tc := range []struct{ word, want string }{
		{"dsk", "desk"}, {"nihgt", "night"}, {"DESK", "desk"}, {"elephant", ""}, {"", ""}, {"x", ""},
	} {
		if got := Closest(tc.word, []string{"desk", "night", "faq", ""}); got != tc.want {
			t.Errorf("Closest(%q) = %q, want %q", tc.word, got, tc.want)
		}
	}
}

func TestLaterRulesSeeTheAttributesThatARuleSets(t *testing.T) {
	table, problems := Compile([]Rule{
		{Name: "before", When: `attr("topic") == "orders"`, Drop: true},
		{Name: "mark", When: `mentions(["parcel"])`, Set: map[string]string{"topic": "orders", "json": `{"n": 1}`}, Continue: true},
		{Name: "json", When: `data("json", "n") == "1"`, Set: map[string]string{"topic": "parcels"}, Continue: true},
		{Name: "orders", When: `attr("topic") == "orders"`, Pass: "desk"},
		{Name: "parcels", When: `attr("topic") == "parcels"`, Pass: "desk"},
	}, testChannels)
	if table == nil {
		t.Fatal(problems)
	}
	f := &Facts{Event: EventMessage, Channel: "livechat", Role: "customer", Text: "my parcel", Attributes: map[string]string{"json": "{}"}}
	var got, explained []string
	for _, s := range table.Decide(f).Steps {
		got = append(got, s.Rule.Name)
	}
	if diff := cmp.Diff([]string{"mark", "json", "parcels"}, got); diff != "" {
		t.Errorf("decided (-want +got)\n%s", diff)
	}
	for _, e := range table.Explain(f) {
		if e.Matches && e.Reached {
			explained = append(explained, e.Rule)
		}
	}
	if diff := cmp.Diff(got, explained); diff != "" {
		t.Errorf("(-decided +explained)\n%s", diff)
	}
	if len(f.Attributes) != 1 {
		t.Errorf("the facts of the caller have changed: %v", f.Attributes)
	}
}
