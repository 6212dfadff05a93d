package envelope

import "testing"

func TestDescribe(t *testing.T) {
	for want, p := range map[string]Part{
		"Hi":                                    TextPart("Hi"),
		"[image a.png] A cat https://x.example": {Type: PartImage, Name: "a.png", Text: "A cat", URL: "https://x.example"},
		"[file]":                                {Type: PartFile},
		"[location] 48.5,-0.25 Here":            {Type: PartLocation, Latitude: 48.5, Longitude: -0.25, Text: "Here"},
		"Which?\nA | B":                         {Type: PartSuggestions, Text: "Which?", Items: []string{"A", "B"}},
		"A":                                     {Type: PartSuggestions, Items: []string{"A"}},
	} {
		if got := p.Describe(); got != want {
			t.Errorf("Describe(%+v) = %q, want %q", p, got, want)
		}
	}
}
