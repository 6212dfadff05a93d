package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// fakeGateway is as little of a gateway as the demo's story needs. The test program runs it in a
// process of its own, in one of these moods: good, forgetful (loses its store), deaf (ignores what the
// agent says), sulky (exits with 3), messy (leaves a child behind), tired (ends at once),
// blurred (gives out half of a picture).
type fakeGateway struct {
	mood, sandbox, store string
	c                    Credentials

	mu     sync.Mutex
	user   string // of the live chat
	bot    string // GPTBots conversation
	owner  string
	header http.Header // for AICC
	image  []byte      // what the agent sent last
}

const deskUser = "0123456789abcdef0123456789abcdef"

func runFakeGateway(mood string) int {
	g := &fakeGateway{
		mood: mood, sandbox: os.Getenv("SANDBOX_URL"), store: os.Getenv("PATCHBAY_STORE__DIR"),
		c: CredentialsFrom(os.LookupEnv), owner: "bot",
	}
	if mood == "tired" {
		return 0
	}
	if err := os.MkdirAll(g.store, 0o700); err != nil {
		return 4
	}
	if bot, err := os.ReadFile(filepath.Join(g.store, "bot")); err == nil && mood != "forgetful" {
		g.bot = string(bot)
	}
	if mood == "messy" {
		if err := exec.Command("sleep", "60").Start(); err != nil {
			return 5
		}
	}
	public := http.NewServeMux()
	public.HandleFunc("POST /mp/webhooks/native/messages/d8ai/d8ai_chatbot", g.fromCustomer)
	public.HandleFunc("POST /webhooks/botwebhook/faq", g.fromBot)
	public.HandleFunc("POST /webhooks/v1/messages", g.fromDesk)
	public.HandleFunc("GET /media/image", g.serveImage)
	admin := http.NewServeMux()
	admin.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, l := range []struct {
		address string
		handler http.Handler
	}{
		{os.Getenv("PATCHBAY_LISTEN"), public},
		{os.Getenv("PATCHBAY_ADMIN__LISTEN"), admin}, // says that it is ready, so it comes last
	} {
		ln, err := net.Listen("tcp", l.address)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		srv := &http.Server{Handler: l.handler, ReadHeaderTimeout: time.Second}
		go func() {
			if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				fmt.Fprintln(os.Stderr, err)
			}
		}()
		defer srv.Close()
	}
	<-ctx.Done()
	if mood == "sulky" {
		return 3
	}
	return 0
}

// serveImage gives out what the agent sent, in mood blurred the half of it.
func (g *fakeGateway) serveImage(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Content-Type", "image/png")
	if g.mood == "blurred" {
		g.image = g.image[:len(g.image)/2]
	}
	w.Write(g.image)
}

// call posts JSON to the sandbox and decodes the answer.
func (g *fakeGateway) call(path string, header http.Header, body any) map[string]any {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	r, err := http.NewRequest(http.MethodPost, g.sandbox+path, bytes.NewReader(raw))
	if err != nil {
		panic(err)
	}
	r.Header = header.Clone()
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return nil
	}
	defer resp.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, path, resp.Status, out, err)
	}
	return out
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func (g *fakeGateway) toCustomer(role, text string) {
	g.call("/livechat/replies", bearer(g.c.NativeReplyToken), map[string]any{
		"userId": g.user, "messageId": fmt.Sprint(time.Now().UnixNano()),
		"payload": map[string]any{"botSay": text, "sender": map[string]string{"role": role}},
	})
}

// imageToCustomer fetches an agent's image and hands it on as a link.
func (g *fakeGateway) imageToCustomer(id string) {
	out := g.call("/aicc/apiaccess/ccmessaging/downloadFileStream", g.header,
		map[string]string{"fileId": "local/" + id, "fileType": "png", "channel": "WEB"})
	image, err := base64.StdEncoding.DecodeString(fmt.Sprint(out["fileStream"]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	g.image = image
	g.call("/livechat/replies", bearer(g.c.NativeReplyToken), map[string]any{
		"userId": g.user, "messageId": fmt.Sprint(time.Now().UnixNano()),
		"payload": map[string]any{
			"sender": map[string]string{"role": "agent"},
			"media": []map[string]string{
				{"type": "image", "url": "http://" + os.Getenv("PATCHBAY_LISTEN") + "/media/image", "contentType": "image/png"},
			},
		},
	})
}

// imageToDesk fetches a customer's image and uploads it.
func (g *fakeGateway) imageToDesk(address string) {
	resp, err := http.Get(address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer resp.Body.Close()
	image, err := io.ReadAll(resp.Body)
	if err != nil || resp.Header.Get("Content-Type") != "image/png" {
		fmt.Fprintln(os.Stderr, resp.Status, resp.Header.Get("Content-Type"), err)
		return
	}
	out := g.call("/aicc/apiaccess/ccmessaging/uploadFileStream", g.header, map[string]string{
		"fileType": "png", "fileStream": base64.StdEncoding.EncodeToString(image), "channel": "WEB"})
	g.toDesk("CHAT", "IMAGE", fmt.Sprint(out["objectKey"]))
}

func (g *fakeGateway) toBot(text string) {
	header := bearer(g.c.GPTBotsAPIKey)
	if g.bot == "" {
		out := g.call("/gptbots/v1/conversation", header, map[string]string{"user_id": deskUser})
		g.bot, _ = out["conversation_id"].(string)
		if err := os.WriteFile(filepath.Join(g.store, "bot"), []byte(g.bot), 0o600); err != nil {
			panic(err)
		}
	}
	g.call("/gptbots/v2/conversation/message", header, map[string]any{
		"conversation_id": g.bot, "response_mode": "webhook",
		"messages": []map[string]string{{"role": "user", "content": text}},
	})
}

func (g *fakeGateway) toDesk(control, mediaType, content string) {
	if g.header == nil {
		out := g.call("/aicc/apigovernance/api/oauth/tokenByAkSk", http.Header{},
			map[string]string{"app_key": g.c.AICCAppKey, "app_secret": g.c.AICCAppSecret})
		g.header = bearer(fmt.Sprint(out["AccessToken"]))
		g.header.Set("X-App-Key", g.c.AICCAppKey)
		out = g.call("/aicc/apiaccess/ccmessaging/applyToken", g.header, map[string]string{
			"userId": deskUser, "userName": "Customer", "channelId": aiccChannel, "locale": "en"})
		g.header.Set("Ccmessaging-Token", fmt.Sprint(out["token"]))
	}
	g.call("/aicc/apiaccess/ccmessaging/send", g.header, map[string]string{
		"channel": "WEB", "controlType": control, "mediaType": mediaType, "content": content, "from": deskUser,
		"to": aiccChannel, "sourceType": "CUSTOMER"})
}

func (g *fakeGateway) fromCustomer(w http.ResponseWriter, r *http.Request) {
	var in struct {
		UserID, AccessToken string
		Payload             struct {
			UserSay string
			Media   []struct{ URL string }
		}
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.AccessToken != g.c.NativeAccessToken {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.user = in.UserID
	switch {
	case g.owner == "desk" && len(in.Payload.Media) > 0:
		g.imageToDesk(in.Payload.Media[0].URL)
	case g.owner == "desk":
		g.toDesk("CHAT", "TEXT", in.Payload.UserSay)
	case strings.Contains(in.Payload.UserSay, "human"):
		g.toCustomer("system", "One moment.")
		g.toDesk("CONNECT", "TEXT", "")
	default:
		g.toBot(in.Payload.UserSay)
	}
	io.WriteString(w, "{}")
}

func (g *fakeGateway) fromBot(w http.ResponseWriter, r *http.Request) {
	var in struct{ Text string }
	if json.NewDecoder(r.Body).Decode(&in) != nil || r.Header.Get("Authorization") != "Bearer "+g.c.GPTBotsWebhookToken {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.toCustomer("bot", in.Text)
	io.WriteString(w, `{"code":200,"msg":"success"}`)
}

func (g *fakeGateway) fromDesk(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Messages []struct{ ControlType, SourceType, MediaType, Content string }
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "auth-v2/") {
		http.Error(w, "{}", http.StatusUnauthorized)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range in.Messages {
		switch {
		case m.SourceType != "AGENT" || g.mood == "deaf":
		case m.ControlType == "DISCONNECT":
			g.owner = "bot"
			g.toCustomer("system", "You are back with the assistant.")
		case m.MediaType == "IMAGE":
			g.imageToCustomer(m.Content)
		default:
			g.owner = "desk"
			g.toCustomer("agent", m.Content)
		}
	}
	io.WriteString(w, `{"resultCode":"0"}`)
}
