package conformance

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

type channelData struct {
	dir string

	Channel     string         `yaml:"channel"`
	Role        string         `yaml:"role"`
	Prefix      string         `yaml:"prefix"`
	Settings    map[string]any `yaml:"settings"`
	Second      map[string]any `yaml:"second"`
	Credentials []credential   `yaml:"credentials"`
	Sign        *signing       `yaml:"sign"`
	Enums       []string       `yaml:"enums"`
	Remembers   int            `yaml:"remembers"`
	IDs         []string       `yaml:"ids"`
	Effect      string         `yaml:"effect"`

	in  []*inbound
	out []*exchange
}

// credential is the place of a secret in a call of the vendor. One of Header, Query and Body is set. Body is the dotted
// path of a JSON member. Scheme is the prefix of the value in a header, such as Bearer.
type credential struct {
	Header string `yaml:"header"`
	Scheme string `yaml:"scheme"`
	Query  string `yaml:"query"`
	Body   string `yaml:"body"`
}

const channelFile = "channel.yaml"

// loadChannels reads the test data in a folder: the channel in it, or else the channels in the folders below it.
func loadChannels(dir string) (out []*channelData, err error) {
	files, _ := filepath.Glob(filepath.Join(dir, channelFile)) // the patterns are good
	if len(files) == 0 {
		files, _ = filepath.Glob(filepath.Join(dir, "*", channelFile))
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no test data in %s: make a folder with a %s for each role", dir, channelFile)
	}
	for _, f := range files {
		d, err := loadChannel(f)
		if err != nil {
			return nil, fmt.Errorf("read test data: %s: %w", f, err)
		}
		if err := d.loadMessages(strings.NewReplacer()); err != nil {
			return nil, fmt.Errorf("read test data: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

func loadChannel(file string) (*channelData, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := &channelData{dir: filepath.Dir(file), Settings: map[string]any{}}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(d); err != nil {
		return nil, err
	}
	d.Channel = cmp.Or(d.Channel, filepath.Base(d.dir))
	if d.Role == "" {
		return nil, fmt.Errorf("role: missing; write customer, bot, agent or observer")
	}
	for i, c := range d.Credentials {
		if place := c.Header + c.Query + c.Body; place == "" || place != cmp.Or(c.Header, c.Query, c.Body) {
			return nil, fmt.Errorf("credentials.%d: write one of header, query and body", i)
		}
	}
	if s := d.Sign; s != nil && (len(s.Command) == 0 || s.Window != 0 && s.Window < 4*windowMargin) {
		return nil, fmt.Errorf("sign: write a command that signs, and a window of at least %s or none", 4*windowMargin)
	}
	return d, nil
}

// loadMessages reads in/*.http and out/*.http in the order of their names, with texts replaced, and checks references.
func (d *channelData) loadMessages(r *strings.Replacer) (err error) {
	if d.in, err = parseFolder(filepath.Join(d.dir, "in"), r, parseInbound); err == nil {
		d.out, err = parseFolder(filepath.Join(d.dir, "out"), r, parseExchange)
	}
	for _, path := range d.Enums {
		if err == nil && !slices.ContainsFunc(d.in, func(in *inbound) bool { return in.withMember(path, "") != in }) {
			err = fmt.Errorf("%s/%s: enums: no body in in/*.http has the member %s", d.dir, channelFile, path)
		}
	}
	if err == nil && d.Effect != "" && !slices.ContainsFunc(d.out, func(x *exchange) bool { return x.name == d.Effect }) {
		err = fmt.Errorf("%s/%s: effect: there is no out/%s.http", d.dir, channelFile, d.Effect)
	}
	return err
}

func parseFolder[T any](dir string, r *strings.Replacer, parse func(string, []byte) (T, error)) (out []T, err error) {
	files, _ := filepath.Glob(filepath.Join(dir, "*.http")) // the pattern is good
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		plain := r.Replace(strings.ReplaceAll(string(text), "\r\n", "\n"))
		name := strings.TrimSuffix(filepath.Base(f), ".http")
		c, err := parse(name, []byte(plain))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// main returns the main exchange of an action: the one that Effect names, or else the first with requests, or nil.
func (d *channelData) main(action string) (first *exchange) {
	for _, x := range d.out {
		if x.action == action && len(x.steps) > 0 && (first == nil || x.name == d.Effect) {
			first = x
		}
	}
	return first
}
