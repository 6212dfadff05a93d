package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"

	"patchbay/core/internal/route"
)

// EnvPrefix begins the environment variables that set configuration: PATCHBAY_ADMIN__LISTEN is admin.listen.
const EnvPrefix = "PATCHBAY_"

// ConfigVariable names the file; it is no setting of the file.
const ConfigVariable = EnvPrefix + "CONFIG"

// environment is a koanf provider of the settings in environment variables, each converted to the type of its
// setting. Their places go to t.env, what is wrong to the problems or warnings.
func (s *shaper) environment(environ []string, t *tree, warnings *[]Problem) *env.Env {
	return env.Provider(delimiter, env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			if name == ConfigVariable || value == "" {
				return "", nil
			}
			at := Position{File: "environment " + name}
			path, typ, known := variablePath(strings.TrimPrefix(name, EnvPrefix), t)
			switch {
			case typ == nil:
				*warnings = append(*warnings, Problem{Position: at, Message: "no setting has this name",
					Suggestion: variableSuggestion(path, known)})
				return "", nil
			case !settable(typ):
				s.bad(at, path, "", "can't be set by an environment variable; write it in the file, with a reference ${env:NAME}")
				return "", nil
			}
			v, err := convert(resolved{text: value, shown: name, secret: true}, nil, typ)
			if err != nil {
				s.bad(at, path, "", "%v", err)
				return "", nil
			}
			t.env[dotted(path)], s.shown[dotted(path)] = at, name
			return strings.Join(path, delimiter), v
		},
	})
}

func settable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		return true
	}
	return false
}

// variablePath finds the setting that a variable names, after the prefix. Names of adapters and channels match
// with an underscore for a hyphen; only those of the file exist. If there is none, typ is nil, and path and known
// say how far it went.
func variablePath(name string, t *tree) (path []string, typ reflect.Type, known []string) {
	typ = reflect.TypeFor[fileConfig]()
	for part := range strings.SplitSeq(strings.ToLower(name), "__") {
		known = nil
		next := map[string]reflect.Type{}
		switch typ.Kind() {
		case reflect.Struct:
			for f := range typ.Fields() {
				next[f.Tag.Get("koanf")] = f.Type
			}
		case reflect.Map:
			n, _, whole := t.find(path)
			for i := 0; whole && n != nil && i < len(n.keys); i++ {
				next[n.keys[i].name] = typ.Elem()
			}
		}
		found := false
		for key, keyType := range next {
			known = append(known, key)
			if key == part || strings.ReplaceAll(key, "-", "_") == part {
				path, typ, found = append(path, key), keyType, true
				break
			}
		}
		if !found {
			slices.Sort(known)
			return append(path, part), nil, known
		}
		if typ == typeFree || typ.Kind() == reflect.Slice {
			return path, typ, nil
		}
	}
	return path, typ, known
}

func variableSuggestion(path, known []string) string {
	part := path[len(path)-1]
	near := route.Closest(part, known)
	if near == "" {
		return ""
	}
	full := append(slices.Clone(path[:len(path)-1]), near)
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(strings.Join(full, "__"), "-", "_"))
}
