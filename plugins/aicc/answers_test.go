package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// A huge answer is read up to a limit, and means what a lost one does.
func TestHugeAnswers(t *testing.T) {
	huge := `{"resultCode":"0","resultDesc":"` + strings.Repeat("x", maxAnswer) + `"}`
	for _, tt := range []struct {
		call, action string
		want         sdk.ErrorKind
	}{
		{"send", "chat", sdk.KindUnknown}, {"send", "open", sdk.KindTransient}, {"send", "hangup", sdk.KindTransient},
		{"apply", "chat", sdk.KindTransient}, {"token", "chat", sdk.KindTransient},
	} {
		v := newMemoryVendor()
		read := 0
		v.answer = func(call string, _ *http.Request, _ []byte) http.HandlerFunc {
			if call != tt.call {
				return nil
			}
			return func(w http.ResponseWriter, _ *http.Request) { read++; fmt.Fprint(w, huge) }
		}
		if err := act(t, deskIn(t, v, nil), tt.action); sdk.KindOf(err) != tt.want || read != 1 || len(err.Error()) > 300 {
			t.Errorf("%s of %s: %v after %d calls; want %s", tt.call, tt.action, err, read, tt.want)
		}
	}
}

// Answers in other types than the pages have mean the same.
func TestAnswersInOtherTypes(t *testing.T) {
	for _, tt := range []struct {
		name, call, answer string
		want               sdk.ErrorKind // "" means success
	}{
		{"code as a number", "send", `{"resultCode":0,"resultDesc":null}`, ""},
		{"words as an object", "send", `{"resultCode":"0","resultDesc":{"en":"success"}}`, ""},
		{"words as a list beside a failure", "send", `{"resultCode":"12","resultDesc":["closed"]}`, sdk.KindDeclined},
		{"no code", "send", `{"resultDesc":"success"}`, sdk.KindUnknown},
		{"code as a list", "send", `{"resultCode":["0"]}`, sdk.KindUnknown},
		{"a list", "send", `[]`, sdk.KindUnknown},
		{"life as a number", "token", `{"AccessToken":"ACCESS-1","Expires":600}`, ""},
		{"life with a fraction", "token", `{"AccessToken":"ACCESS-1","Expires":600.5}`, ""},
		{"life below zero", "token", `{"AccessToken":"ACCESS-1","Expires":"-1"}`, ""},
		{"token as a number", "token", `{"AccessToken":1234567890123456789,"Expires":"600"}`, ""},
		{"token as a list", "token", `{"AccessToken":["ACCESS-1"]}`, sdk.KindUnauthorized},
		{"user's token as a number", "apply", `{"resultCode":0,"token":1234567890123456789}`, ""},
		{"user's token as an object", "apply", `{"resultCode":"0","token":{"value":"USER-1"}}`, sdk.KindTransient},
		{"user's token of an empty answer", "apply", `{}`, sdk.KindTransient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVendor(t, map[string][]reply{tt.call: {says(200, tt.answer)}})
			err := act(t, deskAt(t, v, nil), "chat")
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || sdk.KindOf(err) != tt.want) {
				t.Errorf("Deliver = %v; want %q", err, tt.want)
			}
			if tt.want == "" && v.count("send") != 1 {
				t.Errorf("%d calls of send; want 1", v.count("send"))
			}
		})
	}
}

// An access token lives as long as AICC says, within what was asked for.
func TestLifeOfAccessTokens(t *testing.T) {
	for _, tt := range []struct {
		asked, expires string
		want           time.Duration
	}{
		{"1h", `"120"`, 2 * time.Minute}, {"1h", `120`, 2 * time.Minute}, {"1h", `"3600"`, time.Hour}, {"1h", `"86400"`, time.Hour},
		{"5m", `"3600"`, 5 * time.Minute}, {"1h", `"soon"`, defaultTokenLife}, {"1h", `null`, defaultTokenLife}, {"1h", `"0"`, defaultTokenLife},
		{"5m", `"-7"`, 5 * time.Minute}, {"1h", `99999999999999999999`, defaultTokenLife},
	} {
		v := newVendor(t, map[string][]reply{"token": {says(200, `{"AccessToken":"ACCESS-1","Expires":`+tt.expires+`}`)}})
		c, err := deskAt(t, v, map[string]any{"token_life": tt.asked}).channel("desk")
		if err != nil {
			t.Fatal(err)
		}
		if token, life, err := c.fetchToken(t.Context()); token != "ACCESS-1" || life != tt.want || err != nil {
			t.Errorf("%s asked, %s given: %q for %s, %v; want %s", tt.asked, tt.expires, token, life, err, tt.want)
		}
	}
}

// What a message carries is sent in one call, and what it can't carry is told, whatever parts it has.
func TestCardsOfAllKinds(t *testing.T) {
	texts := []string{"", "a", strings.Repeat("工", 341)}
	links := []string{"", "https://shop.example/", "/orders", "ftp://shop.example/", "https://shop.example/" + strings.Repeat("x", 5000)}
	for _, text := range texts {
		for _, link := range links {
			for _, words := range []string{"", "b", strings.Repeat("界\n", 600)} {
				e := message(text)
				if text == "" {
					e.Parts = nil
				}
				e.Parts = append(e.Parts, envelope.Part{Type: envelope.PartCard, Name: words, Text: words, URL: link})
				v := newMemoryVendor()
				var m uplink
				v.answer = func(call string, _ *http.Request, body []byte) http.HandlerFunc {
					if call == "send" {
						decodeInto(t, string(body), &m)
					}
					return nil
				}
				_, err := deskIn(t, v, nil).Deliver(t.Context(), delivery(e))
				if text+link+words == "" {
					if sdk.KindOf(err) != sdk.KindUnsupported {
						t.Errorf("an empty card: %v", err)
					}
					continue
				}
				said := m.Content
				if m.MediaType == mediaCard {
					var card webCard
					decodeInto(t, said, &card)
					if len(card.Title) > maxTitle {
						t.Errorf("a title of %d bytes", len(card.Title))
					}
					said = string(card.Description)
				}
				if err != nil || v.count("send") != 1 || len(said) > maxText || !strings.HasPrefix(said, text) {
					t.Errorf("%d bytes beside a card of %d with %.20q: %v, %s %.40q", len(text), len(words), link, err, m.MediaType, said)
				}
			}
		}
	}
}
