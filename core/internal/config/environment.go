package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/env/v2"

	"patchbay/core/internal/finding"
	"patchbay/core/internal/route"
)

// EnvPrefix begins the environment variables that set configuration: PATCHBAY_ADMIN__LISTEN is admin.listen.
const EnvPrefix = "PATCHBAY_"

// ConfigVariable is the environment variable with the path of the configuration file. It is not a setting.
const ConfigVariable = EnvPrefix + "CONFIG"

// environment returns a koanf provider of the settings in environment variables. The provider warns of variables that
// name no setting.
func (l *loader) environment() *env.Env {
	return env.Provider(delimiter, env.Opt{
		Prefix:      EnvPrefix,
		EnvironFunc: func() []string { return l.opts.Environ },
		TransformFunc: func(name, value string) (string, any) {
			if name == ConfigVariable || value == "" {
				return "", nil
			}
			at := Position{File: "environment " + name}
			path, target, known := l.variablePath(strings.TrimPrefix(name, EnvPrefix))
			if target == nil {
				l.warnings = append(l.warnings, Problem{Code: finding.UnknownEnvironment, Position: at,
					Message:    "no setting has this name",
					Suggestion: variableSuggestion(path, known)})
				return "", nil
			}
			n := l.root.find(path...)
			if _, single := target.(interface{ single() }); !single {
				l.report(finding.WrongType, n, at, "",
					"cannot be set by an environment variable; write it in the file, with a "+
						"reference ${env:NAME}")
				return "", nil
			}
			set := node{kind: scalar, at: at, text: value, resolved: resolvedText{text: value, shown: name, secret: true}}
			return strings.Join(path, delimiter), leaf(func() *node { return &set })
		},
	})
}

// single marks the type of a setting that an environment variable can set.
func (s *setting[T]) single() {}

// entry returns a pointer to an empty entry of the mapping.
func (s *named[T]) entry() any { return new(T) }

// variablePath finds the setting of an environment variable, whose name is given without EnvPrefix. An underscore also
// matches a hyphen in the name of an adapter or channel. If there is no such setting, target is nil, path ends with the
// unknown part, and known has the possible parts.
func (l *loader) variablePath(name string) (path []string, target any, known []string) {
	target = &fileConfig{}
	for part := range strings.SplitSeq(strings.ToLower(name), "__") {
		next := map[string]any{}
		switch t := target.(type) {
		case structure:
			next = fieldsOf(t)
		case interface{ entry() any }:
			for _, child := range l.root.find(path...).children {
				next[child.name] = t.entry()
			}
		case interface{ single() }: // has no parts
		default:
			return path, target, nil
		}
		known = slices.Sorted(maps.Keys(next))
		i := slices.IndexFunc(known, func(key string) bool {
			return key == part || strings.ReplaceAll(key, "-", "_") == part
		})
		if i < 0 {
			return append(path, part), nil, known
		}
		path, target = append(path, known[i]), next[known[i]]
	}
	return path, target, known
}

// variableSuggestion returns the variable that was probably meant, or "" if no name is similar.
func variableSuggestion(path, known []string) string {
	part := path[len(path)-1]
	near := route.Closest(part, known)
	if near == "" {
		return ""
	}
	full := append(slices.Clone(path[:len(path)-1]), near)
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(strings.Join(full, "__"), "-", "_"))
}
