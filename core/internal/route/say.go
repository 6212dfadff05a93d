package route

import (
	"regexp"
	"strings"

	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// Say is the text of a notice to the customer, in one or more languages. The texts are templates, see Render.
type Say struct {
	Default   string            // "" if the rule has no notice
	Languages map[string]string // by language tag
}

// Values are the values that a notice can contain.
type Values struct {
	Language     string // language tag of the customer, "" if unknown
	CustomerName string
	OwnerTitle   string // of the owner after the rule's move
	Attributes   map[string]string
}

// maxValue bounds a value in a notice, in characters.
const maxValue = 200

// placeholder matches a {{…}} of a template. Its groups are a name, and the name of an attribute.
var placeholder = regexp.MustCompile(`\{\{\s*(?:([a-z_]+)|attr\s+"([^"{}]*)")\s*\}\}`)

// IsSet reports whether the rule has a notice.
func (s *Say) IsSet() bool { return s.Default != "" || len(s.Languages) > 0 }

// Render returns the notice in the customer's language. Each {{customer_name}}, {{owner_title}} and {{attr "name"}} is
// replaced by its value, as one line of at most 200 characters. Placeholders in a value are not replaced. The result
// can be blank.
func (s *Say) Render(v *Values) string {
	out := placeholder.ReplaceAllStringFunc(s.template(v.Language), func(p string) string {
		group := placeholder.FindStringSubmatch(p)
		return oneLine(v.value(group[1], group[2]))
	})
	return text.Clip(out, envelope.MaxTextBytes)
}

// template returns the text for a language tag. For zh-Hant-TW it tries zh-Hant-TW, zh-Hant and zh, then the default.
func (s *Say) template(language string) string {
	for tag := canonicalTag(language); tag != ""; {
		for name, said := range s.Languages {
			if canonicalTag(name) == tag {
				return said
			}
		}
		tag = tag[:max(strings.LastIndexByte(tag, '-'), 0)]
	}
	return s.Default
}

// canonicalTag returns the same tag for different spellings of a language tag, such as zh_CN and zh-cn.
func canonicalTag(tag string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(tag), "_", "-"))
}

func (v *Values) value(name, attribute string) string {
	switch name {
	case "customer_name":
		return v.CustomerName
	case "owner_title":
		return v.OwnerTitle
	}
	return v.Attributes[attribute]
}

// oneLine returns a value as one line of at most maxValue characters.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(text.OneLine(s)), " ")
	n := 0
	for i := range s {
		if n++; n > maxValue {
			return text.Clip(s, i)
		}
	}
	return s
}
