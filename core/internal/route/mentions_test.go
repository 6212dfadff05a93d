package route

import (
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"
)

func TestMentions(t *testing.T) {
	for _, tc := range []struct {
		phrase, text string
		want         bool
	}{
		{"agent", "I want an AGENT!", true},
		{"agent", "agent", true},
		{"agent", "reagent", false},
		{"agent", "agents", false},
		{"agent", "an agent_x", false},
		{"agent", "reagent, then agent", true},
		{"agent", "转agent吧", true},
		{"talk to a person", "Please: Talk  to\na person.", true},
		{"人工", "请转人工客服", true},
		{"人工", "人 工", false},
		{"상담원", "상담원을 연결해 주세요", true},
		{"мастер", "МАСТЕР, пожалуйста", true},
		{"мастер", "мастерская", false},
		{"straße", "die STRASSE", false},
		{"école", "À l'ÉCOLE", true},
		{"agent", "ＡＧＥＮＴ", true},
		{"kelvin", "\u212Aelvin", true},
		{"?!", "what?!", true},
		{"c++", "I write C++ code", true},
		{"24", "on 24th", false},
		{"24", "24/7", true},
		{"ﬀ", "\xff\xfe broken", false},
		{"agent", "", false},
	} {
		t.Run(tc.phrase+" in "+tc.text, func(t *testing.T) {
			in := &input{facts: &Facts{Text: tc.text}}
			if got := in.mentions([]phrase{newPhrase(tc.phrase)}); got != tc.want {
				t.Errorf("mentions([%q]) of %q = %v", tc.phrase, tc.text, got)
			}
		})
	}
}

func TestConditionsSeeTheFirstBytesOfLongTexts(t *testing.T) {
	long := strings.Repeat("a", MaxText-1)
	in := &input{facts: &Facts{Text: long + "é agent"}}
	if v, _ := in.ResolveName("text"); v != types.String(long) {
		t.Errorf("a condition sees %d bytes, want %d", len(v.(types.String)), len(long))
	}
	if in.mentions([]phrase{newPhrase("agent")}) {
		t.Error("mentions sees text behind the limit")
	}
}

func FuzzMentions(f *testing.F) {
	f.Add("agent", "an Agent")
	f.Add("人工", "转人工")
	f.Fuzz(func(t *testing.T, word, text string) {
		p := newPhrase(word)
		if p.folded == "" {
			return
		}
		p.occursIn(fold(text))
		// A phrase with spaces around it is always found, in upper case and in lower case.
		if !p.occursIn(fold(text + " " + word + " " + text)) {
			t.Errorf("%q is not found between blanks", word)
		}
	})
}
