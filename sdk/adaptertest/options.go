package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// Options say what is examined, and how.
type Options struct {
	// Command is the adapter's program, Args its arguments. Env is added to the few variables that the gateway passes on.
	Command string
	Args    []string
	Env     []string
	// Data is the folder with the exam data: one with an exam.yaml, or one with a folder for each channel.
	Data string
	// Config takes the place of Data's exam.yaml, for one channel; Data may then be empty, for the file's folder.
	Config string
	// Only are names of sections; none means all.
	Only []string
	// Update writes the golden files anew, where what came of a call differs.
	Update bool
	// Messages is how many the section memory sends; 0 means DefaultMessages.
	Messages int
	// Progress, if it is not nil, is called after each section.
	Progress func(channel string, s Section)
}

// DefaultMessages is how many messages the section memory sends, after a warm-up.
const DefaultMessages = 10_000

// Times of the exam. What is not done after them counts as hanging.
const (
	startTimeout = 10 * time.Second
	callTimeout  = 10 * time.Second // of a call that nothing disturbs
	shortTimeout = 500 * time.Millisecond
	soon         = 3 * time.Second // to return after a context ended
	endTimeout   = 5 * time.Second // for a process to end
)

// ErrUnknownSection means that Options.Only names a section that does not exist.
var ErrUnknownSection = errors.New("unknown section")

// Run examines an adapter and returns the scorecard. An error means that there was no exam: the data can't be read, or
// the program does not start. What the adapter does wrong is in the scorecard; see Scorecard.Failed.
func Run(ctx context.Context, o Options) (*Scorecard, error) {
	for _, name := range o.Only {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			return nil, fmt.Errorf("%w %q; there are %v", ErrUnknownSection, name, Sections())
		}
	}
	abs, err := filepath.Abs(o.Command)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", o.Command, err)
	}
	o.Command = abs
	if o.Messages <= 0 {
		o.Messages = DefaultMessages
	}
	channels, err := loadChannels(&o)
	if err != nil {
		return nil, err
	}
	card := &Scorecard{}
	for _, data := range channels {
		if err := examine(ctx, &o, data, card); err != nil {
			return nil, fmt.Errorf("examine %s as channel %s: %w", filepath.Base(o.Command), data.Channel, err)
		}
	}
	card.count()
	return card, nil
}

// examine runs all sections for one channel and adds the result to card.
func examine(ctx context.Context, o *Options, data *channelData, card *Scorecard) error {
	x, err := newExam(ctx, o, data)
	if err != nil {
		return err
	}
	defer x.close()
	card.describe(x.desc)
	out := Channel{Name: data.Channel, Role: data.Role}
	for _, s := range sections {
		if len(o.Only) > 0 && !slices.Contains(o.Only, s.name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("before section %s: %w", s.name, err)
		}
		done := x.run(s)
		if x.unsigned != nil {
			return fmt.Errorf("in section %s: %w", s.name, x.unsigned)
		}
		out.Sections = append(out.Sections, done)
		if o.Progress != nil {
			o.Progress(data.Channel, done)
		}
	}
	out.Capabilities = capabilitiesOf(x.desc, x.endpoint)
	card.Channels = append(card.Channels, out)
	return nil
}
