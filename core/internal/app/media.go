package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"

	"patchbay/core/internal/admin"
	"patchbay/core/internal/config"
	"patchbay/core/internal/delivery"
	"patchbay/core/internal/media"
	"patchbay/core/internal/plugin"
	"patchbay/core/internal/telemetry"
	"patchbay/sdk"
	"patchbay/sdk/protocol"
	"patchbay/sdk/protocol/pluginpb"
)

// openMedia opens the media store, which reads through the adapters. The log must be open: its lock protects the
// folder.
func (a *App) openMedia(cfg *config.Config, o *Options, listening net.Addr, m *telemetry.Media,
) (*media.Store, error) {
	store, err := media.Open(media.Options{
		Dir: filepath.Join(cfg.Store.Dir, "media"), MaxBytes: int64(cfg.Media.MaxSize),
		TotalBytes: int64(cfg.Media.TotalSize), Keep: cfg.Media.Keep, BaseURL: cfg.BaseURL(listening.String()),
		Now: a.now, Source: &mediaSource{a.running.Load}, Logger: o.Logger.With("component", "media"), Observer: m,
	})
	if err != nil {
		return nil, fmt.Errorf("open the media store: %w", err)
	}
	a.background("media", store.Run)
	return store, nil
}

// mediaSource reads a medium through the adapter of its channel.
type mediaSource struct {
	running func() *admin.Running
}

// Fetch implements media.Source.
func (s *mediaSource) Fetch(ctx context.Context, req media.Request, info func(media.Info) error,
	chunk func([]byte) error,
) error {
	var host *plugin.Host
	running := s.running()
	if ch, ok := running.Config.Channel(req.Channel); ok {
		host = running.Hosts[ch.Adapter]
	}
	if host == nil { // the channel is not configured any more, or the gateway is the sender
		return &sdk.Error{Kind: sdk.KindPermanent, Op: "fetch medium",
			Text: fmt.Sprintf("channel %q is not configured", req.Channel)}
	}
	return host.Fetch(ctx, &pluginpb.FetchRequest{
		Channel: req.Channel, Ref: req.Part.Ref, Part: protocol.PartToProto(&req.Part), Thread: req.Thread,
		State: req.State, MaxBytes: req.MaxBytes,
	}, func(m *pluginpb.FetchResponse) error {
		return info(media.Info{ContentType: m.GetContentType(), Name: m.GetName(), Size: m.GetSize()})
	}, chunk)
}

// withMedia serves links to media in addition to the vendors' webhooks.
func withMedia(webhooks, links http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, media.PathPrefix) {
			links.ServeHTTP(w, r)
			return
		}
		webhooks.ServeHTTP(w, r)
	})
}

// setMedia sets the form in which a channel accepts media.
func setMedia(l *delivery.Channel, caps *pluginpb.Capabilities) {
	l.Media = sdk.MediaMode(caps.GetMedia())
	l.MediaLimit = media.Limit{Bytes: caps.GetMediaBytes(), Types: caps.GetMediaTypes()}
	if l.Media == sdk.MediaStream && (l.MediaLimit.Bytes <= 0 || l.MediaLimit.Bytes > sdk.MaxMediaBytes) {
		l.MediaLimit.Bytes = sdk.MaxMediaBytes
	}
}
