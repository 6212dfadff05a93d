package ingress

import (
	"strings"
	"testing"
)

func TestConflictsNameBothEndpoints(t *testing.T) {
	endpoints := []Endpoint{
		{Adapter: "a", Channels: []string{"first"}, Pattern: "/x/{id}"},
		{Adapter: "a", Channels: []string{"second"}, Pattern: "/x/{id}"}, // shares the path
		{Adapter: "b", Channels: []string{"same"}, Prefix: "/x", Pattern: "/{id}"},
		{Adapter: "b", Channels: []string{"fine"}, Pattern: "/y"},
		{Adapter: "b", Channels: []string{"overlaps"}, Pattern: "/{folder}/7"},
		{Adapter: "b", Channels: []string{"malformed"}, Pattern: "/z/{"},
	}
	var got []string
	for _, c := range Conflicts(endpoints) {
		other := ""
		if c.Other != nil {
			other = c.Other.Channels[0]
		}
		if c.Err == nil {
			t.Errorf("channel %s: no error", c.Endpoint.Channels[0])
		}
		got = append(got, c.Endpoint.Channels[0]+"-"+other)
	}
	if want := "same-first overlaps-first malformed-"; strings.Join(got, " ") != want {
		t.Errorf("conflicts %q, want %q", got, want)
	}
}
