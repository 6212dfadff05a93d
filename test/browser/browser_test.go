// Package browser tests the pages of the sandbox in Chromium, with the built programs and the repository's config.yaml.
// The tests are skipped if Chromium is not installed. BROWSER can be set to the path of its program.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"patchbay/sandbox/gateway"
	"patchbay/test/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// timeout is the maximum time to wait for a page or the gateway.
const timeout = 2 * harness.Timeout

// browser returns the path of Chromium. It skips the test if Chromium is not installed.
func browser(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("BROWSER"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("Chromium is not installed")
	return ""
}

// system is a running sandbox with a gateway, and a browser.
type system struct {
	t      *testing.T
	url    string // base address of the sandbox
	chrome context.Context
}

// newSystem starts "sandbox run" and a browser. Both end when the test ends.
func newSystem(t *testing.T) *system {
	program := browser(t)
	s := &system{t: t, url: "http://" + harness.FreeAddress(t)}
	s.runSandbox(strings.TrimPrefix(s.url, "http://"))
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	allocated, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	s.chrome, end = chromedp.NewContext(allocated)
	t.Cleanup(end)
	if err := chromedp.Do(s.chrome); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return s
}

func (s *system) runSandbox(listen string) {
	t, admin := s.t, harness.FreeAddress(s.t)
	cmd := exec.Command(harness.Binary("sandbox"), "run", "--gateway-bin", harness.Binary("patchbay"),
		"--config", "config.yaml", "--listen", listen)
	cmd.Dir = harness.Root()
	cmd.Env = append(os.Environ(), "PATCHBAY_LISTEN="+harness.FreeAddress(t), "PATCHBAY_ADMIN__LISTEN="+admin,
		"PATCHBAY_STORE__DIR="+t.TempDir())
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the sandbox: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("sandbox run ended with %v and printed:\n%s", err, output.String())
		}
	})
	harness.Eventually(t, timeout, "the gateway is ready", func() string {
		if status, _, err := gateway.Get(t.Context(), "http://"+admin+"/readyz"); err != nil || status != 200 {
			return fmt.Sprintf("status %d, %v", status, err)
		}
		return ""
	})
}

// page is a page of the sandbox in a tab of the browser.
type page struct {
	t   *testing.T
	tab context.Context
}

// open opens a page in a new tab. width and height are in pixels. Each tab has a separate profile, so that each chat
// page has a different customer.
func (s *system) open(path string, width, height int64) *page {
	s.t.Helper()
	tab, end := chromedp.NewContext(s.chrome, chromedp.WithNewBrowserContext())
	s.t.Cleanup(end)
	if err := chromedp.Do(tab); err != nil { // the tab ends with the context of this first call
		s.t.Fatalf("open a tab: %v", err)
	}
	p := &page{s.t, tab}
	p.run("open "+path, chromedp.EmulateViewport(width, height), chromedp.Navigate(s.url+path))
	return p
}

// run runs actions. what describes them in the failure.
func (p *page) run(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, timeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

// value returns the value of a JavaScript expression. It waits for the result of a promise.
func value[T any](p *page, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, timeout)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// expect waits until a JavaScript expression is true. The pages' content policy does not allow chromedp.Poll.
func (p *page) expect(event, expression string) {
	p.t.Helper()
	harness.Eventually(p.t, timeout, event, func() string {
		if value[bool](p, "!!("+expression+")") {
			return ""
		}
		return "not true: " + expression + "; the page has:\n" + value[string](p, "document.body.innerText")
	})
}

func (p *page) click(selector string) {
	p.t.Helper()
	p.run("click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// block makes the page's calls of these addresses fail, and allows all other calls.
func (p *page) block(patterns ...*network.BlockPattern) {
	p.t.Helper()
	p.run("block calls", func(ctx context.Context, tab *chromedp.Target) (none chromedp.Void, err error) {
		if _, err = cdp.Call(ctx, tab, network.Enable, network.EnableParams{}); err == nil {
			_, err = cdp.Call(ctx, tab, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: patterns})
		}
		return none, err
	})
}

// write types text into the input of the page. A "\r" at its end sends it.
func (p *page) write(text string) {
	p.t.Helper()
	p.run("write "+text, chromedp.SendKeys(chromedp.CSS("#text"), text))
}

func (p *page) say(text string) {
	p.t.Helper()
	p.write(text + "\r")
	p.expect(text+" is in the log and the input is empty",
		fmt.Sprintf(`document.getElementById("log").innerText.includes(%q) && document.getElementById("text").value === ""`, text))
}

// expectText waits until an element contains a text.
func (p *page) expectText(selector, text string) {
	p.t.Helper()
	p.expect(selector+" has the text", fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, selector, text))
}
