package adaptertest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// channelData is what is known of one exam channel.
type channelData struct {
	dir string

	Channel     string         `yaml:"channel"`
	Role        string         `yaml:"role"`
	Prefix      string         `yaml:"prefix"`
	Settings    map[string]any `yaml:"settings"`
	Credentials []credential   `yaml:"credentials"`
	// Sign is set if calls of the vendor are signed.
	Sign *signing `yaml:"sign"`
	// Enums are dotted paths of members of inbound bodies whose value is one of a list that may grow.
	Enums []string `yaml:"enums"`
	// Remembers is for how many conversations the adapter may keep something, which are gone through before memory is measured.
	Remembers int `yaml:"remembers"`
	// Effect names the exchange that is disturbed; "" means the first delivery.
	Effect string `yaml:"effect"`

	in  []*inbound
	out []*exchange
}

// credential is where inbound calls carry what proves who called: one of Header, Query and Body, which is the dotted path
// of a JSON member. Scheme is what precedes it in a header, such as Bearer.
type credential struct {
	Header string `yaml:"header"`
	Scheme string `yaml:"scheme"`
	Query  string `yaml:"query"`
	Body   string `yaml:"body"`
}

const examFile = "exam.yaml"

// loadChannels reads the exam data, a channel for each folder that has an exam.yaml.
func loadChannels(o *Options) ([]*channelData, error) {
	if o.Config != "" {
		dir := cmp.Or(o.Data, filepath.Dir(o.Config))
		d, err := loadChannel(o.Config, dir)
		if err != nil {
			return nil, err
		}
		return []*channelData{d}, nil
	}
	if o.Data == "" {
		return nil, errors.New("no exam data: name their folder (--testdata)")
	}
	files, err := filepath.Glob(filepath.Join(o.Data, "*", examFile))
	if err != nil {
		return nil, fmt.Errorf("look for exam data in %s: %w", o.Data, err)
	}
	if own := filepath.Join(o.Data, examFile); isFile(own) {
		files = []string{own}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no exam data in %s: make a folder for each role with an %s", o.Data, examFile)
	}
	var out []*channelData
	for _, f := range files {
		d, err := loadChannel(f, filepath.Dir(f))
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func loadChannel(file, dir string) (*channelData, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read exam data: %w", err)
	}
	d := &channelData{dir: dir}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(d); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if d.Role == "" {
		return nil, fmt.Errorf("%s: role: missing; write customer, bot, agent or observer", file)
	}
	d.Channel = cmp.Or(d.Channel, filepath.Base(dir))
	for i, c := range d.Credentials {
		if n := len(slices.DeleteFunc([]string{c.Header, c.Query, c.Body}, func(s string) bool { return s == "" })); n != 1 {
			return nil, fmt.Errorf("%s: credentials.%d: write one of header, query and body", file, i)
		}
	}
	if err := d.Sign.prepare(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return d, d.loadMessages()
}

// loadMessages reads in/*.http and out/*.http in the order of their names.
func (d *channelData) loadMessages() error {
	err := eachFile(filepath.Join(d.dir, "in"), func(name string, text []byte) error {
		in, err := parseInbound(name, text)
		d.in = append(d.in, in)
		return err
	})
	if err != nil {
		return fmt.Errorf("read exam data in %s: %w", filepath.Join(d.dir, "in"), err)
	}
	err = eachFile(filepath.Join(d.dir, "out"), func(name string, text []byte) error {
		x, err := parseExchange(name, text)
		d.out = append(d.out, x)
		return err
	})
	if err != nil {
		return fmt.Errorf("read exam data in %s: %w", filepath.Join(d.dir, "out"), err)
	}
	if d.Effect != "" && !slices.ContainsFunc(d.out, func(x *exchange) bool { return x.name == d.Effect }) {
		return fmt.Errorf("read exam data: effect: there is no out/%s.http in %s", d.Effect, d.dir)
	}
	return nil
}

func eachFile(dir string, f func(name string, text []byte) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".http")
		if !ok {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if err := f(name, bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))); err != nil {
			return err
		}
	}
	return nil
}

// main returns the exchange of an action that the exam disturbs: of deliveries the one that Effect names, else the first.
// It returns nil if there is none.
func (d *channelData) main(action string) *exchange {
	var first *exchange
	for _, x := range d.out {
		if x.action != action || len(x.steps) == 0 {
			continue
		}
		if x.name == d.Effect {
			return x
		}
		if first == nil {
			first = x
		}
	}
	return first
}
