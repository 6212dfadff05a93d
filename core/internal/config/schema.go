package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// object is a JSON Schema, or a part of one.
type object = map[string]any

// scalarTypes are the types of a text, because YAML reads some texts without quotes as a number, true or false.
var scalarTypes = []string{"string", "number", "boolean"}

// reference is the schema of a value that is a reference, or contains one.
var reference = object{"type": "string", "pattern": `\$\{`}

// Schema returns the JSON Schema (2020-12) of configuration files, for editors. It has the settings of the channels of
// each adapter whose schema is given, by the adapter's name.
func Schema(settings map[string][]byte) ([]byte, error) {
	root := schemaOf(&fileConfig{}, "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Configuration of Patchbay"
	channel := root["properties"].(object)["channels"].(object)["additionalProperties"].(object)
	defs := object{}
	var branches []any
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		text := settings[name]
		var schema any
		if err := json.Unmarshal(text, &schema); err != nil {
			return nil, fmt.Errorf("read the settings schema of adapter %s: %w", name, err)
		}
		def, ok := allowReferences(schema).(object)
		if !ok {
			continue
		}
		delete(def, "$schema")
		if _, has := def["$defs"]; has {
			def["$id"] = "https://patchbay.invalid/settings/" + name // resolves its references to its $defs
		}
		defs["settings-"+name] = def
		branches = append(branches, object{
			"if":   object{"properties": object{"adapter": object{"const": name}}, "required": []string{"adapter"}},
			"then": object{"properties": object{"settings": object{"$ref": "#/$defs/settings-" + name}}},
		})
	}
	if len(branches) > 0 {
		root["$defs"], channel["allOf"] = defs, branches
	}
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(out, '\n'), nil
}

// allowReferences lets every single value of a settings schema be a reference.
func allowReferences(schema any) any {
	switch s := schema.(type) {
	case []any:
		for i := range s {
			s[i] = allowReferences(s[i])
		}
	case object:
		for _, key := range []string{"items", "additionalProperties", "allOf", "anyOf", "oneOf"} {
			if below, ok := s[key]; ok {
				s[key] = allowReferences(below)
			}
		}
		for _, key := range []string{"properties", "$defs"} {
			if below, ok := s[key].(object); ok {
				for name := range below {
					below[name] = allowReferences(below[name])
				}
			}
		}
		if t, _ := s["type"].(string); t != "" && t != "object" && t != "array" {
			return orReference(s)
		}
	}
	return schema
}

func orReference(s object) object {
	out := object{"anyOf": []any{s, reference}}
	for _, key := range []string{"description", "default"} {
		if v, ok := s[key]; ok {
			out[key] = v
			delete(s, key)
		}
	}
	return out
}

// schemaProvider is a pointer to a setting that makes its schema.
type schemaProvider interface{ schema(path string) object }

// schemaOf returns the schema of a part of the file, which is given as a pointer to its zero value.
func schemaOf(target any, path string) object {
	var out object
	switch t := target.(type) {
	case schemaProvider:
		out = t.schema(path)
	case structure:
		out = structureSchema(t, path)
	}
	k := schemaKeys[path]
	if k.doc != "" {
		out["description"] = k.doc
	}
	return out
}

func structureSchema(target structure, path string) object {
	properties, required := object{}, []string{}
	for name, field := range fieldsOf(target) {
		at := join(path, name)
		properties[name] = schemaOf(field, at)
		if schemaKeys[at].required {
			required = append(required, name)
		}
	}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if slices.Sort(required); len(required) > 0 {
		out["required"] = required
	}
	return out
}

func (s *setting[T]) schema(path string) object {
	var out object
	switch t := reflect.TypeFor[T](); {
	case t == reflect.TypeFor[time.Duration]():
		out = object{"type": "string", "pattern": `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$`}
	case t == reflect.TypeFor[ByteSize]():
		out = object{"type": []string{"string", "integer"}}
	case t == reflect.TypeFor[onlyTrue]():
		return object{"const": true}
	case t == reflect.TypeFor[nonEmpty]():
		out = object{"type": scalarTypes, "minLength": 1}
	case t.Kind() == reflect.Bool:
		out = object{"type": "boolean"}
	case t.Kind() == reflect.Int:
		out = object{"type": "integer"}
	case t.Kind() == reflect.Float64:
		out = object{"type": "number"}
	default:
		out = object{"type": scalarTypes}
	}
	if enum := schemaKeys[path].enum; enum != nil {
		out = object{"enum": enum}
	}
	if path == "routes" || strings.HasPrefix(path, "routes.") {
		return out // without references
	}
	return orReference(out)
}

func (s *items[T]) schema(path string) object {
	return object{"type": "array", "items": schemaOf(any(new(T)), path+".*")}
}

func (s *named[T]) schema(path string) object {
	return object{"type": "object", "additionalProperties": schemaOf(any(new(T)), path+".*")}
}

func (s *textList) schema(path string) object {
	one := schemaOf(&setting[string]{}, path)
	return object{"anyOf": []any{one, object{"type": "array", "items": one}}}
}

func (s *rawMapping) schema(string) object { return object{"type": "object"} }

func (o *fileOffer) schema(path string) object {
	return object{"anyOf": []any{(&textList{}).schema(path + ".to"), structureSchema((*offerFields)(o), path)}}
}

func (f *fileSay) schema(path string) object {
	return object{"anyOf": []any{(&setting[nonEmpty]{}).schema(path), f.texts.schema(path)}}
}
