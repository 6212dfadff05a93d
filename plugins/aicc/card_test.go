package main

import (
	"net/http"
	"strings"
	"testing"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// Any combination of texts and links is sent in one call, within the limits.
func TestCardsFitIntoOneCall(t *testing.T) {
	texts := []string{"", "a", strings.Repeat("工", 341)}
	links := []string{"", "https://shop.example/", "/orders", "ftp://shop.example/", "https://shop.example/" + strings.Repeat("x", 5000)}
	for _, text := range texts {
		for _, link := range links {
			for _, cardText := range []string{"", "b", strings.Repeat("界\n", 600)} {
				e := message(text)
				if text == "" {
					e.Parts = nil
				}
				e.Parts = append(e.Parts, envelope.Part{Type: envelope.PartCard, Name: cardText, Text: cardText, URL: link})
				v := newMemoryVendor()
				var m uplink
				v.answer = func(call string, _ *http.Request, body []byte) http.HandlerFunc {
					if call == "send" {
						decodeInto(t, string(body), &m)
					}
					return nil
				}
				_, err := deskIn(t, v, nil).Deliver(t.Context(), delivery(e))
				if text+link+cardText == "" {
					if sdk.KindOf(err) != sdk.KindUnsupported {
						t.Errorf("empty card: %v; want unsupported", err)
					}
					continue
				}
				content := m.Content
				if m.MediaType == mediaCard {
					var card webCard
					decodeInto(t, content, &card)
					if len(card.Title) > maxTitle {
						t.Errorf("title has %d bytes; want at most %d", len(card.Title), maxTitle)
					}
					content = string(card.Description)
				}
				if err != nil || v.count("send") != 1 || len(content) > maxText || !strings.HasPrefix(content, text) {
					t.Errorf("%d bytes of text, card of %d bytes with link %.20q: %v, %s %.40q", len(text), len(cardText), link, err, m.MediaType, content)
				}
			}
		}
	}
}
