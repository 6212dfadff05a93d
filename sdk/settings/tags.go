package settings

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// field is one field of a settings struct with the content of its tags.
type field struct {
	name        string
	typ         reflect.Type
	index       []int
	doc         string
	required    bool
	address     bool
	enum        []string
	pattern     string
	defaultJSON jsontext.Value // nil without a default
}

// fieldsOf reads the exported fields of a settings struct in order. The fields of an embedded struct without a json
// name count as fields of the outer struct.
func fieldsOf(t reflect.Type) ([]field, error) {
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" || (!sf.IsExported() && !sf.Anonymous) {
			continue
		}
		if sf.Anonymous && name == "" && isPlainStruct(sf.Type) {
			embedded, err := fieldsOf(sf.Type)
			if err != nil {
				return nil, err
			}
			for _, f := range embedded {
				f.index = append(slices.Clone(sf.Index), f.index...)
				out = append(out, f)
			}
			continue
		}
		if name == "" {
			return nil, fmt.Errorf("field %s: needs a json tag with the name of the setting", sf.Name)
		}
		f := field{name: name, typ: sf.Type, index: sf.Index, doc: sf.Tag.Get("doc")}
		if err := f.parseTag(sf.Tag.Get("patchbay")); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, f)
	}
	return out, nil
}

// parseTag reads a patchbay tag. A pattern comes last, because it may contain commas.
func (f *field) parseTag(tag string) error {
	for tag != "" {
		var word string
		if strings.HasPrefix(tag, "pattern=") {
			word, tag = tag, ""
		} else {
			word, tag, _ = strings.Cut(tag, ",")
		}
		key, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		switch key {
		case "required":
			f.required = true
		case "vendor-address":
			f.address = true
		case "enum":
			f.enum = strings.Split(value, "|")
		case "pattern":
			if _, err := regexp.Compile(value); err != nil {
				return fmt.Errorf("pattern: %w", err)
			}
			f.pattern = value
		case "default":
			if err := f.setDefault(value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unknown word %q in the patchbay tag", key)
		}
	}
	if f.required && f.defaultJSON != nil {
		return errors.New("required and default exclude each other")
	}
	return nil
}

// setDefault turns the text of a default into JSON of the field's type. The items of a list are separated by "|".
func (f *field) setDefault(text string) error {
	t := f.typ
	var v any = text
	var err error
	switch {
	case t.Implements(secretType):
		return errors.New("a secret has no default")
	case t == durationType:
		_, err = parseDuration(text)
	case t.Kind() == reflect.Bool:
		v, err = strconv.ParseBool(text)
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64:
		v, err = strconv.ParseInt(text, 10, t.Bits())
	case t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64:
		v, err = strconv.ParseUint(text, 10, t.Bits())
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		v, err = strconv.ParseFloat(text, 64)
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		v = strings.Split(text, "|")
	case t.Kind() == reflect.String || reflect.PointerTo(t).Implements(textType):
	default:
		return fmt.Errorf("a default is not supported for %v", t)
	}
	if err != nil {
		return fmt.Errorf("default %q: %w", text, err)
	}
	f.defaultJSON, err = json.Marshal(v)
	return err
}
