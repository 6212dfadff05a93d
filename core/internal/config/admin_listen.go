package config

import (
	"cmp"
	"os"
	"path/filepath"
	"reflect"
)

// AdminListen returns the address of the admin listener alone, by the same rules as Load: the environment above the file
// above the default. It reads no other setting, so that it works where the gateway's secrets are not at hand. Every error
// is a *Problems.
func AdminListen(opts Options) (string, error) {
	if opts.Environ == nil {
		opts.Environ = os.Environ()
	}
	l := &loader{opts: opts}
	addr := l.adminListen()
	if len(l.problems) > 0 {
		return "", &Problems{List: tidy(l.problems)}
	}
	return addr, nil
}

func (l *loader) adminListen() string {
	path := []string{"admin", "listen"}
	environ := environMap(l.opts.Environ)
	l.tree = &tree{file: l.opts.Path, env: map[string]Position{}}
	l.shaper = &shaper{file: l.opts.Path, shown: map[string]string{}, problems: &l.problems,
		resolver: &resolver{dir: filepath.Dir(l.opts.Path), environ: environ}}
	const variable = EnvPrefix + "ADMIN__LISTEN"
	addr := environ[variable]
	if addr != "" {
		l.tree.env[dotted(path)], l.shaper.shown[dotted(path)] = Position{File: "environment " + variable}, variable
	} else if addr = l.adminListenInFile(path); len(l.problems) > 0 {
		return ""
	}
	addr = cmp.Or(addr, defaults()["admin"].(map[string]any)["listen"].(string))
	l.checkAddress(addr, path...)
	return addr
}

// adminListenInFile returns what the file says, "" if it says nothing.
func (l *loader) adminListenInFile(path []string) string {
	data, ok := l.data()
	if !ok {
		return ""
	}
	var others []Problem // with what else is in the file
	r := &reader{file: l.opts.Path, problems: &others}
	l.tree.lines = splitLines(data)
	if l.tree.root = r.read(data); l.tree.root == nil {
		l.problems = others
		return ""
	}
	n, _, whole := l.tree.find(path)
	if !whole {
		return ""
	}
	v, _ := l.shaper.scalar(n, reflect.TypeFor[string](), path)
	addr, _ := v.(string)
	return addr
}
