package config

// Options say what to load.
type Options struct {
	// Path is the file. Problems name it as given here; relative paths in it are from its folder.
	Path string
	// Data is the file's content if it was already read; nil means that Load reads Path.
	Data []byte
	// Environ is the environment as "NAME=value"; nil means the process's own.
	Environ []string
}

type tree struct{}

// Load reads, merges, resolves and checks. Every error is a *Problems.
func Load(opts Options) (*Config, error) {
	return nil, &Problems{}
}

// At returns the place of a setting: At("channels", "desk", "settings", "app_key"), list items by
// number: At("routes", "2", "when"). If it isn't there, the place of its closest parent.
func (c *Config) At(path ...string) Position { return Position{} }
