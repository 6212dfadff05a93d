package config

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

const schemaOfNative = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": ["token"],
	"additionalProperties": false, "properties": {"token": {"type": "string", "x-secret": true}, "port": {"type": "integer"},
	"list": {"type": "array", "items": {"type": "integer"}}, "more": {"$ref": "#/$defs/more"}},
	"$defs": {"more": {"type": "object", "additionalProperties": {"type": "boolean"}}}}`

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(map[string][]byte{"native": []byte(schemaOfNative)})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("config.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func matches(t *testing.T, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return s.Validate(asEditorsRead(v))
}

// asEditorsRead converts a value to the form in which editors read it: dates and the keys of mappings are strings.
func asEditorsRead(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.Format(time.DateOnly)
	case []any:
		for i := range v {
			v[i] = asEditorsRead(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = asEditorsRead(v[k])
		}
	case map[any]any:
		out := map[string]any{}
		for k, item := range v {
			out[fmt.Sprint(asEditorsRead(k))] = asEditorsRead(item)
		}
		return out
	}
	return v
}

func TestSchemaDescribesTheFile(t *testing.T) {
	s := compileSchema(t)
	const good = `
adapters: {native: {command: "${env:DIR}/native", args: [a], env: ["A=b"]}, other: {command: other}}
log: {level: "${env:LEVEL:-info}"}
media: {keep: "${env:KEEP}", max_size: 10MiB}
channels:
  web:
    adapter: native
    role: customer
    delivery: {timeout: 5s, concurrency: "${env:N}"}
    allow: 10.0.0.0/8
    settings: {token: "${file:x}", port: "${env:PORT}", list: [1, "${env:PORT}"], more: {a: true, b: "${env:B}"}}
  bot: {adapter: other, role: bot, settings: {anything: [1]}}
routes:
  - {name: a, event: [message, opened], say: {default: x, zh: y}, offer: {to: [bot], within: 1m}}
  - {name: b, when: 'open("bot")', say: x, offer: bot, set: {a: b}}
  - {name: c, offer: [bot], drop: true}
`
	if err := matches(t, s, []byte(good)); err != nil {
		t.Error(err)
	}
	for from, to := range map[string]string{
		"role: customer": "role: custmer", "port: \"${env:PORT}\"": "port: x", "timeout: 5s": "timeout: 5", "token:": "tokn:",
		"adapter: native": "adaptr: native", "drop: true": "drop: false", "level: \"${env:LEVEL:-info}\"": "level: loud",
		"{a: true,": "{a: 5,", "name: a,": "", "role: bot": "rol: bot", "concurrency: \"${env:N}\"": "concurrency: many",
	} {
		bad := bytes.Replace([]byte(good), []byte(from), []byte(to), 1)
		if bytes.Equal(bad, []byte(good)) {
			t.Errorf("%s is not in the file", from)
		}
		if err := matches(t, s, bad); err == nil {
			t.Errorf("%s is valid", to)
		}
	}
}

// date matches an unquoted date, which the YAML library of the test would change.
var date = regexp.MustCompile(`\b\d{4}-\d\d-\d\d\b`)

func TestSchemaAcceptsValidFiles(t *testing.T) {
	s := compileSchema(t)
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob("../../../docs/examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, file := range append(append(files, examples...), "../../../config.yaml") {
		if _, err := Load(Options{Path: file, Environ: testEnviron, NoSecrets: true}); err != nil {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text = date.ReplaceAll(text, []byte(`"$0"`))                                       // YAML 1.2 has no dates
		text = bytes.ReplaceAll(text, []byte("adapter: native"), []byte("adapter: other")) // settings of another adapter
		if err := matches(t, s, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// schemaPaths collects the paths of all keys.
func schemaPaths(target any, path string, into map[string]bool) {
	into[path] = true
	switch t := target.(type) {
	case *fileOffer:
		schemaPaths((*offerFields)(t), path, into)
	case interface{ entry() any }:
		schemaPaths(t.entry(), path+".*", into)
	case *items[fileRoute]:
		schemaPaths(&fileRoute{}, path+".*", into)
	case structure:
		for name, field := range fieldsOf(t) {
			schemaPaths(field, join(path, name), into)
		}
	}
}

func TestDescribedKeysExist(t *testing.T) {
	paths := map[string]bool{}
	schemaPaths(&fileConfig{}, "", paths)
	for path := range schemaKeys {
		if !paths[path] {
			t.Errorf("there is no key %s; keys are %v", path, slices.Sorted(maps.Keys(paths)))
		}
	}
}
