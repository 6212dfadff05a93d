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

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

// delimiter separates keys inside koanf. Names of channels and attributes can have dots, but not this.
const delimiter = "\x1f"

// Options say what to load.
type Options struct {
	// Path is the file. Problems name it as given here; relative paths in it are from its folder.
	Path string
	// Data is the file's content if it was already read; nil means that Load reads Path.
	Data []byte
	// Environ is the environment as "NAME=value"; nil means the process's own.
	Environ []string
}

// loader carries one file through its stages.
type loader struct {
	opts     Options
	tree     *tree
	shaper   *shaper
	problems []Problem
	warnings []Problem
	hash     string // of the file's bytes
	// broken are the settings whose form is wrong: what else seems wrong with them follows from that.
	broken map[string]bool
}

// Load reads, merges, resolves and checks. Every error is a *Problems. Beside it comes what could be built all the same, nil
// if nothing could: it is good for asking the adapters what else is wrong (see Config.Usable), and for nothing else.
func Load(opts Options) (*Config, error) {
	if opts.Environ == nil {
		opts.Environ = os.Environ()
	}
	l := &loader{opts: opts}
	file, ok := l.merge()
	var c *Config
	if ok {
		l.broken = make(map[string]bool, len(l.problems))
		for _, p := range l.problems {
			l.broken[p.Path] = true
		}
		c = l.build(file)
	}
	problems := tidy(l.problems)
	if c == nil {
		return nil, &Problems{List: problems}
	}
	c.Warnings, c.Hash, c.problems = tidy(l.warnings), l.hash, problems
	if len(problems) > 0 {
		return c, &Problems{List: problems}
	}
	return c, nil
}

// merge reads the file and puts defaults below and the environment above it. It returns false if there is
// nothing to check.
func (l *loader) merge() (*fileConfig, bool) {
	data, ok := l.data()
	if !ok {
		return nil, false
	}
	sum := sha256.Sum256(data)
	l.hash = hex.EncodeToString(sum[:6])
	l.tree = &tree{file: l.opts.Path, lines: splitLines(data), env: map[string]Position{},
		values: map[*node]resolved{}}
	l.shaper = &shaper{file: l.opts.Path, shown: map[string]string{}, problems: &l.problems,
		resolver: &resolver{dir: filepath.Dir(l.opts.Path), environ: environMap(l.opts.Environ)}}
	ko := koanf.New(delimiter)
	p := &parser{loader: l}
	if err := errors.Join(
		ko.Load(confmap.Provider(defaults(), ""), nil),
		ko.Load(rawbytes.Provider(data), p),
	); err != nil {
		if len(l.problems) == 0 {
			l.problems = append(l.problems, Problem{Position: Position{File: l.opts.Path}, Message: "can't be read as configuration"})
		}
		return nil, false
	}
	if err := ko.Load(l.shaper.environment(l.opts.Environ, l.tree, &l.warnings), nil); err != nil {
		l.bad(nil, "", "the environment can't be merged: %v", err)
		return nil, false
	}
	var out fileConfig
	err := ko.UnmarshalWithConf("", &out, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		ErrorUnused: true, TagName: "koanf", Result: &out}})
	if err != nil {
		// The parser has made every value fit, so this is a fault of ours; its text can quote values.
		l.bad(nil, "", "can't be decoded")
		return nil, false
	}
	return &out, true
}

func (l *loader) data() ([]byte, bool) {
	if l.opts.Data != nil {
		return l.opts.Data, true
	}
	data, err := readFile(l.opts.Path)
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err
		}
		message := "can't be read: " + err.Error()
		if errors.Is(err, fs.ErrNotExist) {
			message += "; --config or " + ConfigVariable + " names another file"
		}
		l.problems = append(l.problems, Problem{Position: Position{File: l.opts.Path}, Message: message})
		return nil, false
	}
	return data, true
}

// readFile reads at most one byte more than a configuration may have.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

func environMap(environ []string) map[string]string {
	out := make(map[string]string, len(environ))
	for _, e := range environ {
		if name, value, ok := strings.Cut(e, "="); ok {
			out[name] = value
		}
	}
	return out
}

// At returns the place of a setting: At("channels", "desk", "settings", "app_key"), list items by
// number: At("routes", "2", "when"). If it isn't there, the place of its closest parent.
func (c *Config) At(path ...string) Position { return c.tree.at(path...) }
