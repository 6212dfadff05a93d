package media

import (
	"context"
	"net/url"
	"strings"
)

// Limits of concurrent fetches. There is no limit over all channels, so that a slow vendor cannot delay other channels.
const (
	fetchesPerChannel = 8  // of vendor references
	linksPerHost      = 8  // of one channel; a user who sends links chooses the host, which can be slow
	linksPerChannel   = 64 // over all hosts
)

// limiterKey identifies a limiter: of a channel's references, of a channel's links, or of its links to one host.
type limiterKey struct {
	channel string
	links   bool
	host    string // of links; "" means all hosts
}

func (k limiterKey) limit() int {
	switch {
	case !k.links:
		return fetchesPerChannel
	case k.host == "":
		return linksPerChannel
	}
	return linksPerHost
}

// limiter limits concurrent fetches.
type limiter struct {
	key   limiterKey
	slots chan struct{} // one entry per running fetch
	users int           // running and waiting fetches; guarded by Store.mu
}

// limitersFor returns the limiters of a fetch. The limiter of the host comes first, so that fetches waiting for a slow
// host take no slot of the channel. The caller holds s.mu and calls releaseLimiters after the fetch.
func (s *Store) limitersFor(req *Request) []*limiter {
	keys := []limiterKey{{channel: req.Channel}}
	if req.Part.URL != "" {
		all := limiterKey{channel: req.Channel, links: true}
		keys = []limiterKey{{all.channel, true, hostOf(req.Part.URL)}, all}
	}
	out := make([]*limiter, 0, len(keys))
	for _, k := range keys {
		l := s.limiters[k]
		if l == nil {
			l = &limiter{key: k, slots: make(chan struct{}, k.limit())}
			s.limiters[k] = l
		}
		l.users++
		out = append(out, l)
	}
	return out
}

// releaseLimiters deletes unused limiters, because users can send links to any number of hosts.
func (s *Store) releaseLimiters(limiters []*limiter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range limiters {
		if l.users--; l.users == 0 {
			delete(s.limiters, l.key)
		}
	}
}

// enter waits for a slot of each limiter. The caller must call leave after the fetch.
func enter(ctx context.Context, limiters []*limiter) (leave func(), err error) {
	entered := 0
	leave = func() {
		for _, l := range limiters[:entered] {
			<-l.slots
		}
	}
	for _, l := range limiters {
		select {
		case l.slots <- struct{}{}:
			entered++
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}

// hostOf returns the normalized host of a link, or "?" if it has none.
func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Hostname() == "" {
		return "?"
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}
