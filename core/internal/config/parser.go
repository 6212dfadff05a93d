package config

import (
	"errors"
	"reflect"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// parser is the koanf parser of our YAML: positions kept, types exact.
type parser struct{ loader *loader }

var _ koanf.Parser = (*parser)(nil)

// Unmarshal returns the file as a tree of values of the right types, each channel with its defaults.
func (p *parser) Unmarshal(data []byte) (map[string]any, error) {
	l := p.loader
	r := &reader{file: l.opts.Path, problems: &l.problems}
	l.tree.root = r.read(data)
	if l.tree.root == nil {
		return nil, errors.New("the file can't be used")
	}
	v, _ := l.shaper.value(l.tree.root, reflect.TypeFor[fileConfig](), nil)
	out, _ := v.(map[string]any)
	channels, _ := out["channels"].(map[string]any)
	for name, ch := range channels {
		full := koanf.New(delimiter)
		given, _ := ch.(map[string]any)
		if err := errors.Join(full.Load(confmap.Provider(channelDefaults(), ""), nil),
			full.Load(confmap.Provider(given, ""), nil)); err != nil {
			return nil, err
		}
		channels[name] = full.Raw()
	}
	return out, nil
}

// Marshal is refused: a configuration is read, never written.
func (p *parser) Marshal(map[string]any) ([]byte, error) {
	return nil, errors.New("a configuration is not written")
}
