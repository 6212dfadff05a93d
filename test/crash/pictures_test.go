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

// A picture consists of pictureHead, its name, and pictureRest bytes of padding, which extend its transfer.
const (
	pictureHead = "\x89PNG\r\n\x1a\n"
	pictureRest = 100 << 10
)

func picture(name string) []byte {
	return []byte(pictureHead + name + "\n" + strings.Repeat("x", pictureRest))
}

// pictureName returns the name of an intact picture, or the name of no picture.
func pictureName(data []byte) string {
	body, ok := strings.CutPrefix(string(data), pictureHead)
	name, rest, _ := strings.Cut(body, "\n")
	if !ok || rest != strings.Repeat("x", pictureRest) {
		return "damaged-picture"
	}
	return name
}

// hasPicture reports whether the message with this id has a picture. The name of the picture is the id plus ".png".
func hasPicture(id string) bool { return strings.HasSuffix(id, "p") }

// sendPicture sends a message with text and a picture.
func (tr *traffic) sendPicture(rnd *rand.Rand, user, id string) bool {
	path := tr.w.Livechat.AddFile(id+".png", "image/png", picture(id+".png"))
	return tr.say(rnd, user, id, id+" look", native.WithMedia(native.File{
		Type: "image", URL: tr.w.LivechatURL() + path, Name: id + ".png", ContentType: "image/png",
	}))
}

// linkedPicture downloads a picture and returns its name.
func (tr *traffic) linkedPicture(t *testing.T, link string) string {
	t.Helper()
	picture, _, err := tr.w.Livechat.Download(tr.ctx, link)
	if err != nil {
		t.Errorf("download of a picture failed: %v", err)
		return "no-picture"
	}
	return pictureName(picture)
}

// deskPicture returns the name of a picture at the desk.
func (tr *traffic) deskPicture(t *testing.T, file string) string {
	t.Helper()
	f, ok := tr.w.Desk.File(file)
	if !ok {
		t.Errorf("the desk has no file %s", file)
	}
	return pictureName(f.Content)
}

// defaultCrashes is the default of PATCHBAY_CRASHES in most tests.
const defaultCrashes = 10

// killRepeatedly kills the gateway, or the processes of one or two of these adapters, repeatedly. It returns the
// incidents after the last start.
func (tr *traffic) killRepeatedly(t *testing.T, g *harness.Gateway, crashes int, adapters ...string) []incident {
	t.Helper()
	rnd := newRand(tr.seed, "kills")
	k := &adapterKiller{traffic: tr, gateway: g, rnd: rnd}
	kills := map[string]int{}
	for n := range crashes {
		pause(tr.ctx, time.Duration(rnd.IntN(800))*time.Millisecond)
		names := slices.Clone(adapters)
		rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		names = names[:1+rnd.IntN(2)]
		atLimit := false // another exit would quarantine the adapter
		for _, name := range names {
			atLimit = atLimit || kills[name] == killsPerRun
		}
		if n%2 == 0 || atLimit {
			killed := time.Now()
			g.Kill(t)
			g.Start(t)
			k.incidents = append(k.incidents, incident{from: killed, to: time.Now()})
			clear(kills)
			continue
		}
		for _, name := range names {
			kills[name]++
		}
		k.kill(t, names)
	}
	return k.incidents
}

// picturesAtDesk returns the number of pictures that agents received and sent.
func (tr *traffic) picturesAtDesk() (received, sent int) {
	for _, c := range tr.w.Desk.Chats() {
		for _, l := range c.Lines {
			switch {
			case l.File != "" && l.From == "customer":
				received++
			case l.File != "" && l.From == "agent":
				sent++
			}
		}
	}
	return received, sent
}

// TestKillsWithPictures kills the gateway and adapters while customers and agents also send pictures, as parts of a
// message or as separate messages. Pictures must arrive intact and in order, and are duplicated only as texts are.
func TestKillsWithPictures(t *testing.T) {
	t.Parallel()
	crashes := envInt(t, "PATCHBAY_CRASHES", defaultCrashes)
	tr := newTraffic(t, seed(t))
	tr.pictures = true
	g := harness.NewGateway(t, tr.w, harness.Config{Routes: routes})
	tr.start(20, 60, 40+10*crashes)
	incidents := tr.killRepeatedly(t, g, crashes, "native", "botwebhook", "aicc")
	tr.waitForTraffic(t, g, func(e *evidence) bool {
		received, sent := tr.picturesAtDesk()
		return e.count("passed") > 0 && received > 0 && sent > 0
	})
	tr.finish(t, g)
	v := evaluate(tr.gather(t, g, incidents))
	v.report(t)
	received, sent := tr.picturesAtDesk()
	t.Logf("crashes=%d %s pictures_to_agents=%d pictures_from_agents=%d", len(incidents), v.tally, received, sent)
	if v.tally.handovers == 0 || received == 0 || sent == 0 {
		t.Error("too few events to check")
	}
}
