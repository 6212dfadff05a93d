package envelope

import (
	"strconv"
	"strings"
)

// IsMedia reports whether parts of this type are an image, audio, video or file.
func (t PartType) IsMedia() bool {
	switch t {
	case PartImage, PartAudio, PartVideo, PartFile:
		return true
	}
	return false
}

// Describe renders a part as text, for a vendor that cannot carry its type.
func (p *Part) Describe() string {
	switch p.Type {
	case PartText:
		return p.Text
	case PartSuggestions:
		return strings.TrimSpace(p.Text + "\n" + strings.Join(p.Items, " | "))
	}
	fields := []string{"[" + strings.TrimSpace(string(p.Type)+" "+p.Name) + "]"}
	if p.Type == PartLocation {
		fields = append(fields, degrees(p.Latitude)+","+degrees(p.Longitude))
	}
	for _, s := range []string{p.Text, p.URL} {
		if s != "" {
			fields = append(fields, s)
		}
	}
	return strings.Join(fields, " ")
}

func degrees(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// SetAttribute sets an attribute of the envelope.
func (e *Envelope) SetAttribute(name, value string) {
	if e.Attributes == nil {
		e.Attributes = make(map[string]string)
	}
	e.Attributes[name] = value
}
