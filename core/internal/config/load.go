package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"patchbay/core/internal/finding"
)

// Options select the configuration.
type Options struct {
	// Path is the file. Problems name it as given here; relative paths in it start at its folder.
	Path string
	// Data is the file's content if it was already read; nil means that Load reads Path.
	Data []byte
	// Environ is the environment as "NAME=value"; nil means the environment of the process.
	Environ []string
	// NoSecrets accepts references whose variable or file does not exist. The values of these settings are unknown,
	// and Load skips the checks that need them. A gateway cannot start with such a Config.
	NoSecrets bool
}

// loader loads one file.
type loader struct {
	opts     Options
	lines    []string // of the file
	root     *node
	source   *source
	resolver *resolver
	problems []Problem
	warnings []Problem
	// broken has the paths of malformed settings, and of settings whose values are unknown. Other problems with these
	// settings can be consequences, and are not reported.
	broken map[string]bool
	unset  []string // paths of settings with an unknown value, see Options.NoSecrets
}

func newLoader(opts Options) *loader {
	if opts.Environ == nil {
		opts.Environ = os.Environ()
	}
	environ := make(map[string]string, len(opts.Environ))
	for _, e := range opts.Environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			environ[name] = value
		}
	}
	return &loader{opts: opts, resolver: &resolver{dir: filepath.Dir(opts.Path), environ: environ,
		allowUnset: opts.NoSecrets}}
}

// Load reads, merges, resolves and checks a configuration. Every error is a *Problems. The Config that comes with an
// error is incomplete: the adapters can validate its usable channels, see Config.Usable. The Config is nil if the file
// could not be used at all.
func Load(opts Options) (*Config, error) {
	l := newLoader(opts)
	data, ok := l.data()
	if !ok || !l.read(data) {
		return nil, &Problems{List: l.source.addExcerpts(tidy(l.problems))}
	}
	l.merge()
	var file fileConfig
	l.decode(&file, l.root)
	l.markBroken()
	c := l.build(&file)
	c.Hash, c.path, c.content = hash(data), opts.Path, data
	c.source = l.source
	c.problems = c.source.addExcerpts(tidy(l.problems))
	c.Warnings = c.source.addExcerpts(tidy(l.warnings))
	if len(c.problems) > 0 {
		return c, &Problems{List: c.problems}
	}
	return c, nil
}

// Content returns the bytes of the file. The caller must not change them.
func (c *Config) Content() []byte { return c.content }

// Reload loads the file again and resolves its references again. If data is not nil, it is used instead of the file's
// content.
func (c *Config) Reload(data []byte) (*Config, error) { return Load(Options{Path: c.path, Data: data}) }

func (l *loader) markBroken() {
	l.broken = make(map[string]bool, len(l.problems))
	for _, p := range l.problems {
		l.broken[p.Path] = true
	}
	for _, path := range l.unset {
		l.broken[path] = true
	}
}

// read parses the file. It returns false if nothing in the file can be used.
func (l *loader) read(data []byte) bool {
	l.lines = splitLines(data)
	r := &reader{file: l.opts.Path, problems: &l.problems}
	l.root = r.read(data)
	l.source = newSource(l.opts.Path, l.lines, l.root)
	return l.root != nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// data returns the file's content. If the file cannot be read, it reports this and returns false.
func (l *loader) data() ([]byte, bool) {
	if l.opts.Data != nil {
		return l.opts.Data, true
	}
	data, err := readFile(l.opts.Path)
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err
		}
		message := "cannot be read: " + err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			message += "; use --config or " + ConfigVariable + " to name another file"
		}
		l.problems = append(l.problems, Problem{Code: finding.FileUnreadable,
			Position: Position{File: l.opts.Path}, Message: message})
		return nil, false
	}
	return data, true
}

// readFile reads at most maxFile+1 bytes, which is enough to detect that a file is too large.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}
