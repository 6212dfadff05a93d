package recorded

import "testing"

func TestPlaceholdersKeepWordsOfConditions(t *testing.T) {
	r := &redactor{literals: []string{"agent", "bye", "gold", "人工"}}
	for _, tc := range []struct{ text, want string }{
		{"Hello, I am Anna", "text 1"}, {"I need an AGENT, call +49 170 1234567", "agent text 2"}, {"bye", "bye"},
		{"Hello, I am Anna", "text 1"}, {"转人工客服", "人工 text 3"}, {"", ""},
	} {
		if got := r.text(tc.text); got != tc.want {
			t.Errorf("%q becomes %q, want %q", tc.text, got, tc.want)
		}
	}
	if got := r.name("Anna"); got != "" {
		t.Errorf("the name becomes %q", got)
	}
}

func TestJSONAttributesKeepTheirMembers(t *testing.T) {
	r := &redactor{literals: []string{"gold"}}
	got := r.attribute(`{"order": {"tier": "gold", "number": 4711, "paid": true, "names": ["Anna", null]}}`)
	want := `{"order":{"names":["text 1",null],"number":0,"paid":true,"tier":"gold"}}`
	if got != want {
		t.Errorf("attribute %s, want %s", got, want)
	}
	if got := r.attribute("4711"); got != "text 2" {
		t.Errorf("a number becomes %q", got)
	}
	r.numbers = []float64{10, 1000}
	for number, want := range map[string]string{
		"5": "9", "10": "10", "11.5": "505", "1000": "1000", "4711": "1001", "-1e3": "9",
	} {
		if got := r.attribute(`[` + number + `]`); got != `[`+want+`]` {
			t.Errorf("the number %s becomes %s, want %s", number, got, want)
		}
	}
	r.keep = true
	if got := r.attribute(`{"a": 1}`); got != `{"a": 1}` {
		t.Errorf("with texts: %s", got)
	}
}
