package aicc

import (
	"strings"
	"testing"
)

// media is a CHAT message with this media type and content.
func media(user, mediaType, content string) map[string]any {
	m := message(user, "CHAT", content)
	m["mediaType"] = mediaType
	return m
}

func TestContentOfACustomersMedia(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
	png, mp3 := d.give(t, header, "png", "a picture"), d.give(t, header, "mp3", "a sound")
	mp4, txt := d.give(t, header, "mp4", "a film"), d.give(t, header, "txt", "a text")
	other := d.give(t, d.login(t, "u2"), "png", "of another")
	tests := []struct {
		name, mediaType, content string
		file                     string // "" if it is refused
	}{
		{"image", "IMAGE", png, png},
		{"audio", "AUDIO", mp3, mp3},
		{"video", "VIDEO", mp4, mp4},
		{"image never uploaded", "IMAGE", "44992392-2078-4caa-af3f-16cc328db296", ""},
		{"image of another customer", "IMAGE", other, ""},
		{"sound as image", "IMAGE", mp3, ""},
		{"image with extension", "IMAGE", png + ",png", ""}, // only sendAsync has that form
		{"file", "FILE", "notes.txt,6," + txt + ",txt", txt},
		{"file of another size", "FILE", "notes.txt,7," + txt + ",txt", ""},
		{"file of another type", "FILE", "notes.txt,6," + txt + ",csv", ""},
		{"file with a comma in its name", "FILE", "notes, final.txt,6," + txt + ",txt", ""},
		{"file without its type", "FILE", "notes.txt,6," + txt, ""},
		{"file without a name", "FILE", ",6," + txt + ",txt", ""},
		{"file never uploaded", "FILE", "notes.txt,6,x,txt", ""},
		{"file image", "FILE_IMAGE", png + ",png", png},
		{"file image without extension", "FILE_IMAGE", png, ""},
		{"file image with a film's extension", "FILE_IMAGE", png + ",mp4", ""},
		{"file video", "FILE_VIDEO", mp4 + ",mp4", mp4},
		{"file video that is a picture", "FILE_VIDEO", png + ",mp4", ""},
		{"card with picture", "WEBCARD", `{"title":"Shoes","mediaFileId":"` + png + `","mediaFileType":"img/png"}`, png},
		{"card with nothing to show", "WEBCARD", `{"title":"Shoes","description":"red"}`, ""},
		{"card with odd type", "WEBCARD", `{"mediaFileId":"` + png + `","mediaFileType":"png"}`, ""},
		{"card with odd address", "WEBCARD", `{"redirectUrl":"shop"}`, ""},
		{"card with unknown picture", "WEBCARD", `{"mediaFileId":"x"}`, ""},
		{"card that is no JSON", "WEBCARD", `Shoes`, ""},
		{"card in other letters", "WEBCARD", `{"redirectURL":"https://shop.example/shoes"}`, ""},
		{"card with more", "WEBCARD", `{"redirectUrl":"https://shop.example/shoes","price":"9"}`, ""},
		{"card with a number", "WEBCARD", `{"redirectUrl":"https://shop.example/shoes","title":9}`, ""},
		{"card that runs a script", "WEBCARD", `{"redirectUrl":"javascript://shop.example/%0aalert(1)"}`, ""},
		{"card with a list", "WEBCARD", `[]`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := d.Problems.Len()
			if tt.file == "" {
				d.send(t, header, media("u1", tt.mediaType, tt.content), 200, "13")
				if all := d.Problems.All(); len(all) != before+1 || !strings.Contains(all[before], ReasonSend) {
					t.Errorf("problems %q, want one more", all[before:])
				}
				return
			}
			d.send(t, header, media("u1", tt.mediaType, tt.content), 200, "0")
			chat, _ := d.Chat("u1")
			last := chat.Lines[len(chat.Lines)-1]
			if last.File != tt.file || last.MediaType != tt.mediaType || last.From != "customer" {
				t.Errorf("the desk shows %+v, want file %s", last, tt.file)
			}
		})
	}
	for _, card := range []string{
		`{"redirectUrl":"https://shop.example/shoes"}`,
		`{"title":"Shoes","description":"","mediaFileId":null,"mediaFileType":"","redirectUrl":"http://shop.example/shoes"}`,
	} {
		d.send(t, header, media("u1", "WEBCARD", card), 200, "0")
		chat, _ := d.Chat("u1")
		if last := chat.Lines[len(chat.Lines)-1]; last.MediaType != "WEBCARD" || last.Text != card || last.File != "" {
			t.Errorf("the desk shows %+v, want the card", last)
		}
	}
}

func TestReadReportsAndTyping(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.send(t, header, message("u1", "INPUT", ""), 200, "13")
	talking(t, d, header)
	d.send(t, header, message("u1", "INPUT", ""), 200, "0")
	d.send(t, header, message("u1", "READ", "m1,m2"), 200, "0")
	if events := d.Events.All(); events[len(events)-1].Kind != "READ" || events[len(events)-1].Text != "m1,m2" {
		t.Errorf("events %+v, want a READ at the end", events)
	}
	if err := d.Read("u1", "m1,m2"); err != nil {
		t.Fatal(err)
	}
	if got := brief(d.wait(t, 3))[2]; got != "AGENT READ m1,m2" {
		t.Errorf("pushed %q", got)
	}
}
