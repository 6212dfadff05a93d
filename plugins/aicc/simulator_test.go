package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"

	simulator "patchbay/sandbox/aicc"
	"patchbay/sdk"
	"patchbay/sdk/envelope"
)

// inProcess calls a handler without a network.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r = r.Clone(r.Context())
	r.RequestURI = r.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// simulatedDesk returns an adapter, the simulated AICC that it calls, and the state of the thread of a customer with an
// agent.
func simulatedDesk(t *testing.T, changes map[string]any) (*adapter, *simulator.Simulator, []byte) {
	t.Helper()
	sim := simulator.New(simulator.Options{
		AppKey: "app-key", AppSecret: testAppSecret, ChannelID: testChannelID, PushOff: true,
	})
	t.Cleanup(sim.Close)
	a := newAdapter()
	ch := testChannel(t, "desk", changes)
	ch.Host.HTTP = &http.Client{Transport: inProcess{sim.Handler()}}
	if _, err := a.Configure(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	o, err := a.Open(t.Context(), opening())
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Accept(testUser, "Bo"); err != nil {
		t.Fatal(err)
	}
	return a, sim, o.State
}

func mustDeliver(t *testing.T, a *adapter, state []byte, parts []envelope.Part, media ...*sdk.Attachment) *sdk.Receipt {
	t.Helper()
	d := delivery(&envelope.Envelope{Kind: envelope.KindMessage, Parts: parts})
	d.State, d.Media = state, media
	r, err := a.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lastLine returns the last message that the agent received.
func lastLine(t *testing.T, sim *simulator.Simulator) simulator.Line {
	t.Helper()
	chat, ok := sim.Chat(testUser)
	if !ok || len(chat.Lines) == 0 {
		t.Fatalf("chat = %+v; problems %q", chat, sim.Problems.All())
	}
	return chat.Lines[len(chat.Lines)-1]
}

// The simulator accepts all contents that the adapter sends. It follows AICC's pages and does not use the adapter's
// code.
func TestSimulatorAcceptsAllContents(t *testing.T) {
	card := envelope.Part{Type: envelope.PartCard, Name: `Order "17" & more`, Text: "On its\nway", URL: "https://shop.example/orders?id=17&x=<y>"}
	picture := sdk.NewAttachment("image/png", "a.png", []byte("pixels"))
	for _, offline := range []bool{false, true} {
		a, sim, state := simulatedDesk(t, map[string]any{"offline_messages": offline})
		if offline {
			if err := sim.TimeOut(testUser, true); err != nil {
				t.Fatal(err)
			}
		}
		mustDeliver(t, a, state, []envelope.Part{envelope.TextPart("Hello")})
		if l := lastLine(t, sim); l.MediaType != "TEXT" || l.Text != "Hello" {
			t.Errorf("offline %t: the agent received %+v; want the text", offline, l)
		}
		if r := mustDeliver(t, a, state, []envelope.Part{card}); r.Degraded != "" {
			t.Errorf("offline %t: the card is degraded: %s", offline, r.Degraded)
		}
		l := lastLine(t, sim)
		var shown map[string]string
		if err := json.Unmarshal([]byte(l.Text), &shown); err != nil || l.MediaType != "WEBCARD" || shown["title"] != card.Name ||
			shown["description"] != card.Text || shown["redirectUrl"] != card.URL {
			t.Errorf("offline %t: the agent received %+v; want the card", offline, l)
		}
		for _, f := range fileTypes {
			if f.mediaType == "" {
				continue
			}
			file := sdk.NewAttachment(f.contentType, "a."+f.extension, []byte("bytes of "+f.extension))
			mustDeliver(t, a, state, []envelope.Part{{Type: f.part}}, file)
			stored, _ := sim.File(lastLine(t, sim).File)
			if string(stored.Content) != "bytes of "+f.extension || stored.Type != f.extension {
				t.Errorf("offline %t: AICC stored %+v; want the %s file", offline, stored, f.extension)
			}
		}
		mustDeliver(t, a, state, []envelope.Part{card, {Type: envelope.PartImage}}, nil, picture)
		if l := lastLine(t, sim); l.MediaType != "WEBCARD" {
			t.Errorf("offline %t: the agent received %+v; want the card", offline, l)
		}
		for _, e := range sim.Events.All() {
			if e.Kind == "CHAT" && e.Async != offline {
				t.Errorf("offline %t: %+v", offline, e)
			}
		}
	}
}

// READ arrives by poll.
func TestReadEventsArePolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, sim, _ := simulatedDesk(t, polling(nil))
		if err := sim.Read(testUser, "m-1,m-2"); err != nil {
			t.Fatal(err)
		}
		s := &store{}
		stop := subscribe(t, a, s)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Errorf("Subscribe = %v", err)
		}
		if want := []string{"message", "message", "read"}; !slices.Equal(s.kinds, want) {
			t.Errorf("stored %q; want %q", s.kinds, want)
		}
	})
}
