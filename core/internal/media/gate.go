package media

import (
	"context"
	"net/url"
	"strings"
)

// Bounds of what is read at once for one channel. There is none over all channels: a vendor that is slow to give its media
// must not keep the others from theirs.
const (
	fetchesPerChannel = 8  // of what its vendor has
	linksPerHost      = 8  // beside them: whoever sends links chooses whom they are read from, and how slow that is
	linksPerChannel   = 64 // of all hosts
)

// gateKey names what is read within one bound: what a channel's vendor has, a channel's links, or those to one host.
type gateKey struct {
	channel string
	links   bool
	host    string // of links; "" is all hosts
}

func (k gateKey) atOnce() int {
	switch {
	case !k.links:
		return fetchesPerChannel
	case k.host == "":
		return linksPerChannel
	}
	return linksPerHost
}

// gate lets a few through at a time.
type gate struct {
	key    gateKey
	places chan struct{}
	users  int // who are in it or wait; guarded by Store.mu
}

// gatesFor returns the gates that a medium is read behind, in the order in which to enter them: who waits for a host that
// hangs takes no place of the other hosts'. Each is released when the medium was read. s.mu is held.
func (s *Store) gatesFor(req *Request) []*gate {
	keys := []gateKey{{channel: req.Channel}}
	if req.Part.URL != "" {
		all := gateKey{channel: req.Channel, links: true}
		keys = []gateKey{{all.channel, true, hostOf(req.Part.URL)}, all}
	}
	out := make([]*gate, 0, len(keys))
	for _, k := range keys {
		g := s.gates[k]
		if g == nil {
			g = &gate{key: k, places: make(chan struct{}, k.atOnce())}
			s.gates[k] = g
		}
		g.users++
		out = append(out, g)
	}
	return out
}

// releaseGates forgets gates that nobody uses: there are as many as hosts that somebody thinks of.
func (s *Store) releaseGates(gates []*gate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range gates {
		if g.users--; g.users == 0 {
			delete(s.gates, g.key)
		}
	}
}

// enter waits for a place behind all of the gates. Unless it fails, leave is to be called.
func enter(ctx context.Context, gates []*gate) (leave func(), err error) {
	in := 0
	leave = func() {
		for _, g := range gates[:in] {
			<-g.places
		}
	}
	for _, g := range gates {
		select {
		case g.places <- struct{}{}:
			in++
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
	}
	return leave, nil
}

// hostOf returns the host that a link leads to, in one spelling. A link that leads nowhere has one that no other has.
func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Hostname() == "" {
		return "?"
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}
