package crash

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"patchbay/sandbox/native"
	"patchbay/test/harness"
)

// pictureHead is how a picture begins; behind it is its name, and then as much as makes reading it take a while.
const (
	pictureHead = "\x89PNG\r\n\x1a\n"
	pictureRest = 100 << 10
)

func picture(name string) []byte {
	return []byte(pictureHead + name + "\n" + strings.Repeat("x", pictureRest))
}

// called returns the name of a whole picture, or something that no picture is called.
func called(data []byte) string {
	body, ok := strings.CutPrefix(string(data), pictureHead)
	name, rest, _ := strings.Cut(body, "\n")
	if !ok || rest != strings.Repeat("x", pictureRest) {
		return "damaged-picture"
	}
	return name
}

// pictured reports whether the message with this id has a picture, which is called as the message is and ".png".
func pictured(id string) bool { return strings.HasSuffix(id, "p") }

// show has a customer send words and a picture in one message.
func (tr *traffic) show(rnd *rand.Rand, user, id string) bool {
	path := tr.w.Livechat.AddFile(id+".png", "image/png", picture(id+".png"))
	return tr.say(rnd, user, id, id+" look", native.WithMedia(native.File{
		Type: "image", URL: tr.w.LivechatURL() + path, Name: id + ".png", ContentType: "image/png",
	}))
}

// behind returns the name of the picture that a link leads to, when everything has come to an end.
func (tr *traffic) behind(t *testing.T, link string) string {
	t.Helper()
	got, err := tr.w.Livechat.Download(tr.ctx, link)
	if err != nil {
		t.Errorf("a picture's link leads nowhere: %v", err)
		return "no-picture"
	}
	return called(got.Data)
}

// shown returns the name of a picture at the desk.
func (tr *traffic) shown(t *testing.T, file string) string {
	t.Helper()
	f, ok := tr.w.Desk.File(file)
	if !ok {
		t.Errorf("the desk does not know its file %s", file)
	}
	return called(f.Content)
}

// usual is how often the tests below kill something, each.
const usual = 10

// mayhem kills the gateway, or one or two of these adapters, again and again, and returns when the last of them is back.
func (tr *traffic) mayhem(t *testing.T, g *harness.Gateway, crashes int, adapters ...string) []incident {
	t.Helper()
	rnd := chance(tr.seed, "mayhem")
	k := &killer{traffic: tr, gateway: g, rnd: rnd}
	left := map[string]int{}
	for n := range crashes {
		pause(tr.ctx, time.Duration(rnd.IntN(800))*time.Millisecond)
		names := slices.Clone(adapters)
		rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:1+rnd.IntN(2)]
		spent := false // one more death would quarantine it
		for _, name := range names {
			spent = spent || left[name] == killsPerRun
		}
		if n%2 == 0 || spent {
			killed := time.Now()
			g.Kill(t)
			g.Start(t)
			k.incidents = append(k.incidents, incident{from: killed, to: time.Now()})
			clear(left)
			continue
		}
		for _, name := range names {
			left[name]++
		}
		k.kill(t, names)
	}
	return k.incidents
}

// picturesAtDesk counts the pictures that came to agents, and that agents sent.
func (tr *traffic) picturesAtDesk() (up, down int) {
	for _, c := range tr.w.Desk.Chats() {
		for _, l := range c.Lines {
			switch {
			case l.File != "" && l.From == "customer":
				up++
			case l.File != "" && l.From == "agent":
				down++
			}
		}
	}
	return up, down
}

// TestPicturesKilled kills the gateway and adapters while customers, bots and agents also send pictures: each is a part of its
// message, or a message of its own, and arrives whole, as often and in the same order as words do.
func TestPicturesKilled(t *testing.T) {
	t.Parallel()
	crashes := number(t, "PATCHBAY_CRASHES", usual)
	tr := newTraffic(t, seed(t))
	tr.pictures = true
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: routes})
	tr.begin(20, 60, 40+10*crashes)
	incidents := tr.mayhem(t, g, crashes, "native", "botwebhook", "aicc")
	tr.until(t, g, func(e *evidence) bool {
		up, down := tr.picturesAtDesk()
		return e.steps("passed") > 0 && up > 0 && down > 0
	})
	tr.finish(t, g)
	v := judge(tr.gather(t, g, incidents))
	v.report(t)
	up, down := tr.picturesAtDesk()
	t.Logf("crashes=%d %s to_agents=%d of_agents=%d", len(incidents), v.tally, up, down)
	if v.tally.handovers == 0 || up == 0 || down == 0 {
		t.Error("too little happened to judge by")
	}
}
