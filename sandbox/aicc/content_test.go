package aicc

import (
	"strings"
	"testing"
)

// media returns a CHAT message with this media type and content.
func media(user, mediaType, content string) map[string]any {
	m := message(user, "CHAT", content)
	m["mediaType"] = mediaType
	return m
}

func TestContentOfACustomersMedia(t *testing.T) {
	d := newDesk(t, nil)
	header := d.login(t, "u1")
	d.send(t, header, message("u1", "CONNECT", ""), 200, "0")
	png, mp3 := d.upload(t, header, "png", "a picture"), d.upload(t, header, "mp3", "a sound")
	mp4, txt := d.upload(t, header, "mp4", "a film"), d.upload(t, header, "txt", "a text")
	other := d.upload(t, d.login(t, "u2"), "png", "of another")
	tests := []struct {
		name, mediaType, content string
		file                     string // "" if it is refused
	}{
		{"image", "IMAGE", png, png},
		{"audio", "AUDIO", mp3, mp3},
		{"video", "VIDEO", mp4, mp4},
		{"image never uploaded", "IMAGE", "44992392-2078-4caa-af3f-16cc328db296", ""},
		{"image of another customer", "IMAGE", other, ""},
		{"audio as image", "IMAGE", mp3, ""},
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
		{"file image with the extension of a video", "FILE_IMAGE", png + ",mp4", ""},
		{"file video", "FILE_VIDEO", mp4 + ",mp4", mp4},
		{"file video that is an image", "FILE_VIDEO", png + ",mp4", ""},
		{"card with picture", "WEBCARD", `{"title":"Shoes","mediaFileId":"` + png + `","mediaFileType":"img/png"}`, png},
		{"card without link and picture", "WEBCARD", `{"title":"Shoes","description":"red"}`, ""},
		{"card with an unknown picture type", "WEBCARD", `{"mediaFileId":"` + png + `","mediaFileType":"png"}`, ""},
		{"card with a relative address", "WEBCARD", `{"redirectUrl":"shop"}`, ""},
		{"card with unknown picture", "WEBCARD", `{"mediaFileId":"x"}`, ""},
		{"card that is not JSON", "WEBCARD", `Shoes`, ""},
		{"card with a misspelt member", "WEBCARD", `{"redirectURL":"https://shop.example/shoes"}`, ""},
		{"card with an unknown member", "WEBCARD", `{"redirectUrl":"https://shop.example/shoes","price":"9"}`, ""},
		{"card with a number as title", "WEBCARD", `{"redirectUrl":"https://shop.example/shoes","title":9}`, ""},
		{"card with a script as address", "WEBCARD", `{"redirectUrl":"javascript://shop.example/%0aalert(1)"}`, ""},
		{"card that is an array", "WEBCARD", `[]`, ""},
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
	startChat(t, d, header)
	d.send(t, header, message("u1", "INPUT", ""), 200, "0")
	d.send(t, header, message("u1", "READ", "m1,m2"), 200, "0")
	if events := d.Events.All(); events[len(events)-1].Kind != "READ" || events[len(events)-1].Text != "m1,m2" {
		t.Errorf("events %+v, want a READ at the end", events)
	}
	if err := d.Read("u1", "m1,m2"); err != nil {
		t.Fatal(err)
	}
	if got := summaries(d.waitForPushes(t, 3))[2]; got != "AGENT READ m1,m2" {
		t.Errorf("pushed %q", got)
	}
}
