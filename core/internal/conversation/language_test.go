package conversation

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"patchbay/core/internal/route"
	"patchbay/sdk/envelope"
)

func TestVendorAttributesArePresentInOpened(t *testing.T) {
	vip := route.Rule{
		Name: "vip", Events: []route.Event{route.EventOpened}, When: `data("native.custom_payload", "order.tier") == "vip"`,
		Home: "old",
	}
	for _, kind := range []envelope.Kind{envelope.KindMessage, envelope.KindConnected, envelope.KindHandoverRequested} {
		h := newHarness(t, testPolicy(t, vip))
		h.receive(incoming{
			channel: "web", thread: "w1", kind: kind, text: "hello",
			attributes: map[string]string{"native.custom_payload": `{"order": {"tier": "vip"}}`},
		})
		h.want("home after "+string(kind), h.conv().Home, "old")
	}
}

func TestBucketSticksToTheCustomer(t *testing.T) {
	for _, tc := range []struct {
		name        string
		first, then incoming
		want        bool // the same customer
	}{
		{"the same id", incoming{thread: "w1", sender: "anna"}, incoming{thread: "w1", sender: "anna"}, true},
		{"the same id in another thread", incoming{thread: "w1", sender: "anna"}, incoming{thread: "w2", sender: "anna"}, true},
		{"another id", incoming{thread: "w1", sender: "anna"}, incoming{thread: "w1", sender: "bob"}, false},
		{"anonymous", incoming{thread: "w1"}, incoming{thread: "w2"}, false},
	} {
		var ids [2]string
		for i, m := range []incoming{tc.first, tc.then} {
			h := newHarness(t, testPolicy(t))
			m.channel, m.text = "web", "hello"
			h.receive(m)
			c := h.state.Conversation(h.state.Find("web", m.thread))
			h.transact(func(tx *Transaction) {
				ids[i] = tx.facts(c, route.EventMessage, "web", envelope.RoleCustomer).CustomerID
			})
		}
		if same := ids[0] == ids[1]; same != tc.want {
			t.Errorf("%s: customers %q, want the same customer: %v", tc.name, ids, tc.want)
		}
	}
}

func TestNowIsTheTimeInTheZoneOfConversations(t *testing.T) {
	rule := route.Rule{
		Name: "night", When: `now.hour == 1 && now.weekday == "tue" && now.date == "2026-03-03"`, Say: route.Say{Default: "Good night."},
	}
	for _, tc := range []struct {
		zone *time.Location
		want []string
	}{{nil, nil}, {time.FixedZone("east", 8*3600), []string{"Good night."}}} {
		p := testPolicy(t, rule)
		p.Zone = tc.zone
		h := newHarness(t, p)
		h.now = midnight.Add(17 * time.Hour)
		h.customer("hello")
		h.wantLines("to the customer", h.drain("web"), tc.want...)
	}
}

func TestNoticesAreInTheCustomersLanguage(t *testing.T) {
	hello := route.Say{
		Default: `{{customer_name}} {{owner_title}} {{attr "shop.order"}}`, Languages: map[string]string{"zh": "你好"},
	}
	for _, tc := range []struct {
		attribute, want string
		words           []string // the customer's messages
	}{
		{"", "Ann Chen 42", []string{"desk"}}, {"", "你好", []string{"traditional", "desk"}}, {"shop.locale", "你好", []string{"desk"}},
	} {
		p := testPolicy(t,
			onWord("desk", route.Rule{Pass: "desk", Say: hello}),
			onWord("traditional", route.Rule{Set: map[string]string{"language": "zh-Hant"}}),
		)
		p.Channels["desk"].Title, p.Language = "Chen", tc.attribute
		h := newHarness(t, p)
		for _, text := range tc.words {
			h.receive(incoming{
				channel: "web", thread: "w1", text: text, name: "Ann",
				attributes: map[string]string{"shop.order": "42", "shop.locale": "zh_CN"},
			})
		}
		lines := h.drain("web")
		h.want("notice", lines[len(lines)-1], tc.want)
	}
}

func TestBucketIsTheSameInTheNextConversation(t *testing.T) {
	var rules []route.Rule
	for i := range 100 {
		rules = append(rules, route.Rule{
			Name: fmt.Sprintf("bucket-%d", i), Events: []route.Event{route.EventOpened},
			When: fmt.Sprintf(`bucket("new-bot") == %d`, i), Set: map[string]string{"bucket": strconv.Itoa(i)},
		})
	}
	h := newHarness(t, testPolicy(t, append(rules, onWord("bye", route.Rule{Close: true}))...))
	say := func(thread, text string) string {
		h.receive(incoming{channel: "web", thread: thread, sender: "anna", text: text})
		return h.state.Conversation(h.state.Find("web", thread)).Attributes["bucket"]
	}
	first := say("w1", "hello")
	say("w1", "bye")
	if next, other := say("w1", "hello again"), say("w2", "from another page"); first == "" || next != first || other != first {
		t.Errorf("buckets %q, then %q and in another thread %q, want the same", first, next, other)
	}
}

func TestBlankNoticeIsNotSent(t *testing.T) {
	h := newHarness(t, testPolicy(t, onWord("hello", route.Rule{Say: route.Say{Default: ` {{attr "greeting"}} `}})))
	h.customer("hello")
	h.wantLines("to the customer", h.drain("web"))
}

func TestNoticesAreNotPartOfTheHistory(t *testing.T) {
	h := newHarness(t, testPolicy(t,
		onWord("hello", route.Rule{Say: route.Say{Default: "Welcome."}}), onWord("desk", route.Rule{Pass: "desk"}),
	))
	h.customer("hello")
	h.drain("faq")
	h.customer("desk")
	h.wantLines("to the desk", h.drain("desk"), "open", "transcript [hello]", "desk")
	for _, entry := range h.conv().History {
		if h.text(entry.Pos) == "Welcome." {
			t.Error("the history contains the notice")
		}
	}
}
