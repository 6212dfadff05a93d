package ingress

import (
	"crypto/sha256"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/jellydator/ttlcache/v3"
	"golang.org/x/time/rate"

	"patchbay/sdk"
	"patchbay/sdk/protocol/pluginpb"
)

// Limits on failed authentication of one network on one path. A network with valid credentials has a higher limit: a
// vendor may use several credentials, of which one is wrong.
const (
	failureBurst        = 60
	failuresPerSec      = 1
	knownFailuresPerSec = 20
	maxRemembered       = 8192 // entries of each kind; the least recently used one is forgotten
)

// guessLimit limits failed authentication, so that credentials cannot be guessed at the speed of the network. A network
// over the limit is refused without a call to the adapter, except with an Authorization header that was accepted
// before: callers behind one proxy share an address. Credentials in the body, and signatures, have no such exemption.
// It is safe for concurrent use.
type guessLimit struct {
	failures *ttlcache.Cache[guesser, *rate.Limiter]
	known    *ttlcache.Cache[guesser, struct{}]    // guessers that have presented valid credentials
	good     *ttlcache.Cache[credential, struct{}] // valid credentials
}

type guesser struct {
	network netip.Prefix
	path    string // of the endpoint
}

// credential is the digest of an Authorization header and the path and query to which it was sent.
type credential [sha256.Size]byte

func newGuessLimit() *guessLimit {
	return &guessLimit{
		failures: ttlcache.New(ttlcache.WithCapacity[guesser, *rate.Limiter](maxRemembered)),
		known:    ttlcache.New(ttlcache.WithCapacity[guesser, struct{}](maxRemembered)),
		good:     ttlcache.New(ttlcache.WithCapacity[credential, struct{}](maxRemembered)),
	}
}

// guess is one request. It may present guessed credentials, or none.
type guess struct {
	limit      *guessLimit
	guesser    guesser
	credential *credential // nil without an Authorization header
}

func (g *guessLimit) newGuess(ep *Endpoint, from netip.Prefix, r *http.Request) *guess {
	a := &guess{limit: g, guesser: guesser{from, ep.path()}}
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		text := strings.Join(slices.Concat(values, []string{r.URL.EscapedPath(), r.URL.RawQuery}), "\n")
		c := credential(sha256.Sum256([]byte(text)))
		a.credential = &c
	}
	return a
}

// wait returns the time until the guess is allowed, or 0.
func (a *guess) wait(now time.Time) time.Duration {
	found := a.limit.failures.Get(a.guesser)
	if found == nil || a.credential != nil && a.limit.good.Has(*a.credential) {
		return 0
	}
	failures := found.Value()
	missing := 1 - failures.TokensAt(now)
	return time.Duration(math.Ceil(max(missing, 0)/float64(failures.Limit()))) * time.Second
}

// end records the adapter's result. Only a result with envelopes shows that the credentials are valid: some vendors
// check an address with a request that has no credentials.
func (a *guess) end(res *pluginpb.ReceiveResult, now time.Time) {
	switch e := res.GetError(); {
	case e == nil && len(res.GetEnvelopes()) > 0:
		a.noteSuccess(now)
	case e != nil && isAuthenticationFailure(e):
		if a.credential != nil {
			a.limit.good.Delete(*a.credential)
		}
		a.noteFailure(now)
	}
}

func (a *guess) noteSuccess(now time.Time) {
	a.limit.known.Set(a.guesser, struct{}{}, ttlcache.NoTTL)
	if failures := a.limit.failures.Get(a.guesser); failures != nil {
		failures.Value().SetLimitAt(now, knownFailuresPerSec)
	}
	if a.credential != nil {
		a.limit.good.Set(*a.credential, struct{}{}, ttlcache.NoTTL)
	}
}

// noteFailure counts a failure: wrong credentials, or a request on which the adapter broke. A caller without
// credentials can also send such a request.
func (a *guess) noteFailure(now time.Time) {
	failures := rate.NewLimiter(failuresPerSec, failureBurst)
	if a.limit.known.Has(a.guesser) {
		failures.SetLimitAt(now, knownFailuresPerSec)
	}
	first, _ := a.limit.failures.GetOrSet(a.guesser, failures)
	first.Value().ReserveN(now, 1) // also if none is left, so that concurrent guesses count
}

func isAuthenticationFailure(e *pluginpb.Error) bool {
	return sdk.ErrorKind(e.GetKind()) == sdk.KindUnauthorized || e.GetStatus() == http.StatusUnauthorized
}
