package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchbay/core/internal/conversation"
	"patchbay/core/internal/route"
)

// build checks what the form alone can't show and makes the configuration.
func (l *loader) build(f *fileConfig) *Config {
	c := &Config{
		Listen: f.Listen, PublicURL: string(f.PublicURL),
		Admin:  Admin{Listen: f.Admin.Listen},
		Store:  Store{Dir: f.Store.Dir, Cap: f.Store.Cap},
		Limits: Limits{OpenedPerMinute: f.Limits.OpenedPerMinute},
		Media:  Media{MaxSize: f.Media.MaxSize, TotalSize: f.Media.TotalSize, Keep: f.Media.Keep},
		Log:    Log{Level: f.Log.Level, Format: f.Log.Format},
		Conversations: Conversations{Owner: f.Conversations.Owner, History: f.Conversations.History,
			CloseAfter: f.Conversations.CloseAfter, Stale: Stale(f.Conversations.Stale), Bounces: f.Conversations.Bounces},
		tree: l.tree,
	}
	l.checkListeners(c)
	l.checkPublicURL(c)
	l.checkStore(c)
	l.checkMedia(c)
	l.oneOf(c.Log.Level, []string{"debug", "info", "warn", "error"}, nil, "log", "level")
	l.oneOf(c.Log.Format, []string{"auto", "text", "json"}, nil, "log", "format")
	l.atLeast(c.Limits.OpenedPerMinute, 0, "limits", "opened_per_minute")
	l.adapters(c, f.Adapters)
	l.channels(c, f)
	l.checkConversations(c)
	l.routes(c, f.Routes)
	return c
}

func (l *loader) checkListeners(c *Config) {
	public := l.checkAddress(c.Listen, "listen")
	host := l.checkAddress(c.Admin.Listen, "admin", "listen")
	if host == "" {
		return
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		l.bad([]string{"admin", "listen"}, "", "must be a loopback address such as 127.0.0.1:9090: "+
			"admin elsewhere needs a token, which is not supported yet")
	}
	if public != "" && overlap(c.Listen, c.Admin.Listen) {
		l.bad(l.whichever([]string{"admin", "listen"}, []string{"listen"}), "", "listen and admin.listen would be on the same port (%s and %s); give them different ones",
			l.quote(c.Listen, "listen"), l.quote(c.Admin.Listen, "admin", "listen"))
	}
}

// overlap reports whether two addresses can't be listened on at the same time.
func overlap(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	wide := func(host string) bool {
		ip, err := netip.ParseAddr(host)
		return host == "" || err == nil && ip.IsUnspecified()
	}
	return portA == portB && portA != "0" && (hostA == hostB || wide(hostA) || wide(hostB))
}

// whichever returns the first of the paths that is set, the last if none is.
func (l *loader) whichever(paths ...[]string) []string {
	for _, path := range paths {
		if _, _, whole := l.tree.find(path); whole || l.tree.env[dotted(path)] != (Position{}) {
			return path
		}
	}
	return paths[len(paths)-1]
}

// checkAddress returns the host of a host:port, "" if it is wrong or stands for every address.
func (l *loader) checkAddress(addr string, path ...string) string {
	host, port, err := net.SplitHostPort(addr)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || n > 65535 {
		l.bad(path, "", "%s is no address; write host:port, such as 127.0.0.1:8080", l.quote(addr, path...))
		return ""
	}
	if host == "" {
		return "0.0.0.0"
	}
	return host
}

func (l *loader) checkStore(c *Config) {
	if c.Store.Dir == "" {
		l.bad([]string{"store", "dir"}, "", "is empty; it is the folder of the log")
		return
	}
	if strings.HasPrefix(c.Store.Dir, "~") {
		l.bad([]string{"store", "dir"}, "", "~ stands for no folder here; write the path out")
	}
	c.Store.Dir = l.path(c.Store.Dir)
	if c.Store.Cap < 64<<20 {
		l.bad([]string{"store", "cap"}, "", "must be at least 64MiB")
	}
}

// path makes a path from the file's folder usable from the working directory.
func (l *loader) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	dir := l.shaper.resolver.dir
	if joined := filepath.Join(dir, p); strings.Contains(joined, "/") {
		return joined
	}
	return "./" + filepath.Join(dir, p) // a command without a slash would be looked up in PATH
}

// oneOf checks a word; those in later are known and not supported yet.
func (l *loader) oneOf(value string, allowed, later []string, path ...string) {
	switch {
	case slices.Contains(allowed, value):
	case slices.Contains(later, value):
		l.bad(path, "", "%s is not supported yet; there is %s", value, strings.Join(allowed, ", "))
	case len(allowed) == 1:
		l.bad(path, "", "%s is not possible; there is only %s", l.quote(value, path...), allowed[0])
	default:
		l.bad(path, l.suggest(value, allowed, path...), "%s is none of %s", l.quote(value, path...), strings.Join(allowed, ", "))
	}
}

func (l *loader) atLeast(n, least int, path ...string) {
	if n < least {
		l.bad(path, "", "must be at least %d", least)
	}
}

func (l *loader) between(d, least, most time.Duration, path ...string) {
	if d < least || d > most {
		l.bad(path, "", "must be from %s to %s", short(least), short(most))
	}
}

// short leaves out the zero parts at the end of a duration: 15m, not 15m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

func (l *loader) checkConversations(c *Config) {
	v := &c.Conversations
	at := func(key string) []string { return []string{"conversations", key} }
	if v.History < 0 || v.History > conversation.MaxHistory {
		l.bad(at("history"), "", "must be from 0 to %d messages", conversation.MaxHistory)
	}
	if v.Bounces < 0 || v.Bounces > conversation.MaxBounces {
		l.bad(at("bounces"), "", "must be from 0 (no limit) to %d moves an hour", conversation.MaxBounces)
	}
	l.between(v.CloseAfter, time.Minute, 366*24*time.Hour, at("close_after")...)
	l.oneOf(string(v.Stale), []string{string(StaleDrop)}, []string{"note"}, at("stale")...)
}

func (l *loader) adapters(c *Config, file map[string]fileAdapter) {
	c.Adapters = make(map[string]Adapter, len(file))
	for name, a := range file {
		at := func(more ...string) []string { return append([]string{"adapters", name}, more...) }
		l.checkSlug("adapters", name)
		out := Adapter{Name: name, Command: a.Command, Args: a.Args}
		switch {
		case a.Command == "":
			l.bad(at("command"), "", "missing; it is the plugin's program, such as bin/%s", name)
		case strings.Contains(a.Command, " -"):
			l.bad(at("command"), "", "must be the program alone; its arguments go to args, as a list")
		case strings.Contains(a.Command, "/"):
			out.Command = l.path(a.Command)
		}
		for i, e := range a.Env {
			key, _, ok := strings.Cut(e, "=")
			if !ok || !envName(key) {
				l.bad(at("env", strconv.Itoa(i)), "", "must be NAME=value; the value can be a reference ${env:NAME}")
			}
			out.Env = append(out.Env, e)
		}
		c.Adapters[name] = out
	}
	if len(file) == 0 {
		l.bad([]string{"adapters"}, "", "missing; name at least one plugin program")
	}
}

// checkSlug checks the name of an adapter or channel.
func (l *loader) checkSlug(section, name string) {
	if !route.Slug.MatchString(name) || len(name) > route.MaxName {
		at := l.tree.atKey(section, name)
		l.shaper.bad(at, []string{section, name}, "", "a name is lower-case letters, digits and hyphens, begins with "+
			"a letter and has at most %d characters", route.MaxName)
	}
}
