package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"patchbay/test/harness"
)

// chosen is an expression for the name of the selected chat of the desk.
const chosen = `document.getElementById("talk-title").innerText`

func TestDeskKeepsDraftsApartAndShowsWhatIsUnread(t *testing.T) {
	s := newSystem(t)
	first, second := s.open("/", 900, 700), s.open("/", 900, 700)
	desk := s.open("/desk", 1100, 700)
	first.say("I want a human")
	desk.expectText("#chats .waiting", "waiting for less than 1 min")
	first.say("My parcel is lost")
	desk.click("#accept")
	first.expectText("#owner", "with an agent")
	for _, text := range []string{"I want a human", "My parcel is lost"} {
		desk.expectText("#log", text)
	}
	desk.expectText("#chats .active", "My parcel is lost")
	desk.write("Dear parcel owner")
	second.say("I want a human")
	desk.expectText("#chats .waiting", "waiting")
	name := value[string](desk, chosen)
	desk.click("#chats .waiting")
	desk.expect("the other chat is shown", fmt.Sprintf(`%s !== %q`, chosen, name))
	desk.click("#accept")
	second.expectText("#owner", "with an agent")
	if got := value[string](desk, `document.getElementById("text").value`); got != "" {
		t.Errorf("the input of another chat contains the draft %q", got)
	}
	desk.say("Hello, second")
	second.expectText("#log", "Hello, second")
	first.say("Hello?")
	desk.expectText(`#chats .choice[aria-pressed="false"] mark`, "1 unread")
	desk.click(`#chats .choice[aria-pressed="false"]`)
	desk.expect("the draft is back", `document.getElementById("text").value === "Dear parcel owner"`)
	first.say("Still there?")
	desk.expect("the selected chat has no unread messages", `!document.querySelector("#chats mark")`)
	desk.write("\r")
	first.expectText("#log", "Dear parcel owner")
}

func TestTextStaysUntilItIsSent(t *testing.T) {
	s := newSystem(t)
	chat, desk := s.open("/", 900, 700), s.open("/desk", 1100, 700)
	chat.say("I want a human")
	desk.expectText("#chats .waiting", "waiting")
	desk.click("#accept")
	chat.expectText("#owner", "with an agent")
	desk.expect("the agent can write", `!document.getElementById("say").hidden`)
	for path, p := range map[string]*page{"/chat/messages": chat, "/desk/say": desk} {
		text := "sent to " + path
		p.block(&network.BlockPattern{URLPattern: s.url + path, Block: true})
		p.write(text + "\r")
		p.expectText("#problem", "Try again")
		p.expect("the text is still there", fmt.Sprintf(`document.getElementById("text").value === %q`, text))
		p.block()
		p.click("#problem button")
		p.expectText("#log", text)
		p.expect("the text is cleared", `document.getElementById("text").value === "" && document.getElementById("problem").hidden`)
	}
}

func TestChatFollowsItsEnd(t *testing.T) {
	s := newSystem(t)
	chat := s.open("/", 900, 420)
	const atEnd = `(() => { const log = document.getElementById("log"); return log.scrollHeight > log.clientHeight + 200 &&
		log.scrollHeight - log.scrollTop - log.clientHeight < 2 })()`
	for i := range 8 {
		chat.say(fmt.Sprintf("line %d", i))
	}
	chat.expectText("#log", "line 7")
	chat.expect("the end is visible", atEnd)
	chat.run("make the page smaller", chromedp.EmulateViewport(900, 380))
	chat.expect("the end is visible in a smaller page", atEnd)
	chat.run("scroll up", chromedp.Evaluate[chromedp.Void](`document.getElementById("log").scrollTop = 0`))
	chat.expect("the page has detected the scrolling", `document.getElementById("log").dataset.end === "false"`)
	chat.say("one more")
	if top := value[float64](chat, `document.getElementById("log").scrollTop`); top != 0 {
		t.Errorf("a new line scrolled the log from its start to %v", top)
	}
}

func TestPagesAreUsableAt360PixelsAndAccessible(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join(harness.Root(), ".tools", "axe.min.js"))
	if err != nil && os.Getenv("BROWSER") != "" {
		t.Fatalf("read axe-core: %v", err)
	}
	s := newSystem(t)
	chat, desk := s.open("/", 360, 640), s.open("/desk", 360, 640)
	chat.say("I want a human")
	desk.expectText("#chats .waiting", "waiting")
	desk.click("#accept")
	chat.expectText("#owner", "with an agent")
	chat.say("a long line without a break: " + fmt.Sprintf("%0300d", 0))
	desk.expectText("#log", "a long line")
	for name, p := range map[string]*page{"chat": chat, "desk": desk} {
		for _, id := range []string{"text", "log"} {
			box := value[map[string]float64](p, fmt.Sprintf(`document.getElementById(%q).getBoundingClientRect().toJSON()`, id))
			if box["left"] < 0 || box["right"] > 360 || box["top"] < 0 || box["bottom"] > 640 || box["height"] < 36 {
				t.Errorf("%s: #%s is at %v, outside of 360 x 640 or too small", name, id, box)
			}
		}
		if height := value[float64](p, `document.getElementById("log").clientHeight`); height < 200 {
			t.Errorf("%s: the log has %v pixels of height, want at least 200", name, height)
		}
		if width := value[float64](p, `document.documentElement.scrollWidth`); width > 360 {
			t.Errorf("%s: the page is %v pixels wide", name, width)
		}
		if len(axe) == 0 {
			continue
		}
		p.run("load axe", chromedp.Evaluate[chromedp.Void](string(axe)+";0"))
		found := value[[]string](p, `axe.run().then((r) => r.violations.filter((v) => ["serious", "critical"].includes(v.impact))
			.map((v) => v.id + ": " + v.nodes.map((n) => n.html).join(" ")))`)
		for _, problem := range found {
			t.Errorf("%s: axe finds %s", name, problem)
		}
	}
}
