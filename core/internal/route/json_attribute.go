package route

import (
	"fmt"
	"strings"
)

// AnyAttribute stands for the name of the attribute with JSON in messages if there is none or more than one.
const AnyAttribute = "ATTRIBUTE"

// JSONAttribute returns the attribute that contains a JSON object according to its explanation. It returns "" if there
// is none, and AnyAttribute if there are several.
func (d *Declared) JSONAttribute() string {
	found := ""
	for name, explanation := range d.Attributes {
		switch {
		case !strings.Contains(explanation, "JSON object"):
		case found != "":
			return AnyAttribute
		default:
			found = name
		}
	}
	return found
}

// correction returns the closest known attribute to an undeclared one. If there is none, it returns a hint at a member
// of the attribute with JSON.
func (d *Declared) correction(u use, known []string) (hint, suggestion string) {
	attribute, near := d.JSONAttribute(), Closest(u.name, known)
	if near == "" && attribute != "" && u.member != "" {
		hint = "; " + memberHint(attribute, strings.TrimPrefix(u.member, attribute+"."))
	}
	return hint, near
}

// memberHint returns advice for a condition that reads a member of an attribute with JSON.
func memberHint(attribute, path string) string {
	return fmt.Sprintf("a member of a JSON attribute is data(%q, %q)", attribute, path)
}

// withSuffix returns the only attribute whose name is the path, or ends with a dot and the path. It returns "" if
// there is none or more than one.
func (d *Declared) withSuffix(path string) string {
	found := ""
	for name := range d.Attributes {
		switch {
		case path == "" || !strings.HasSuffix("."+name, "."+path):
		case found != "":
			return ""
		default:
			found = name
		}
	}
	return found
}
