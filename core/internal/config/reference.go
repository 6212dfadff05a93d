package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"patchbay/core/internal/finding"
)

// maxSecretFile is the maximum size of the file of a ${file:…} reference, in bytes.
const maxSecretFile = 64 << 10

// resolver replaces references by their values.
type resolver struct {
	dir     string // of the configuration file
	environ map[string]string
	// allowUnset makes the value of a reference unknown instead of reporting that its variable or file does not exist.
	allowUnset bool
}

// resolvedText is a text whose references are replaced by their values.
type resolvedText struct {
	text   string
	shown  string   // as written, but without the defaults of references, which may be secrets too
	secret bool     // text contains the value of a reference or of a PATCHBAY_ variable
	values []string // of the references
	unset  bool     // the value of a reference is unknown; text is incomplete
}

// errUnset is the cause of an error of a reference to a variable that is not set.
var errUnset = errors.New("is not set or empty")

// uncleanError is the error of a reference whose value has characters that were probably copied by accident.
type uncleanError string

func (e uncleanError) Error() string { return string(e) }

// referenceCode returns the code of the problem with a reference.
func referenceCode(err error) finding.Code {
	if _, unclean := errors.AsType[uncleanError](err); unclean {
		return finding.UncleanValue
	}
	return finding.UnresolvedReference
}

// resolve replaces ${env:NAME}, ${env:NAME:-default} and ${file:path}; $${ stands for ${. The errors name the
// references that cannot be resolved and never contain a value.
func (r *resolver) resolve(s string) (resolvedText, []error) {
	var text, shown strings.Builder
	var errs []error
	out := resolvedText{}
	for s != "" {
		i := strings.Index(s, "${")
		if i < 0 {
			break
		}
		if i > 0 && s[i-1] == '$' {
			text.WriteString(s[:i-1] + "${")
			shown.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		text.WriteString(s[:i])
		shown.WriteString(s[:i])
		body, rest, closed := strings.Cut(s[i+2:], "}")
		if !closed {
			return out, []error{errors.New("a reference is not closed: ${ needs a }, and a literal ${ is written $${")}
		}
		s = rest
		value, label, err := r.resolveOne(body)
		if r.allowUnset && errors.Is(err, errUnset) {
			out.unset = true
		} else if err != nil {
			errs = append(errs, err)
		}
		out.secret, out.values = true, append(out.values, value)
		text.WriteString(value)
		shown.WriteString("${" + label + "}")
	}
	out.text, out.shown = text.String()+s, shown.String()+s
	return out, errs
}

// resolveOne resolves one reference, given without ${ and }. The label names the reference and contains no secret.
func (r *resolver) resolveOne(body string) (value, label string, err error) {
	scheme, rest, _ := strings.Cut(body, ":")
	switch scheme {
	case "env":
		name, fallback, has := strings.Cut(rest, ":-")
		label = "env:" + name
		if has {
			label += ":-…"
		}
		if !isVariableName(name) {
			return "", "env:…", errors.New("${env:NAME} needs the name of an environment variable")
		}
		if v := r.environ[name]; v != "" {
			if fault := refusedCharacter(v); fault != "" {
				return "", label, uncleanError(fmt.Sprintf("environment variable %s contains %s; set it without that",
					name, fault))
			}
			return v, label, nil
		}
		if has {
			return fallback, label, nil
		}
		return "", label, fmt.Errorf("environment variable %s %w; set it, or give a default: ${env:%s:-default}", name,
			errUnset, name)
	case "file":
		label = "file:" + rest
		value, err = r.file(rest)
		if r.allowUnset && errors.Is(err, fs.ErrNotExist) {
			err = errUnset
		}
		return value, label, err
	}
	return "", "…", errors.New("unknown reference; write ${env:NAME}, ${env:NAME:-default} or ${file:path}, " +
		"and $${ for a literal ${")
}

// isVariableName reports whether a text can name an environment variable.
func isVariableName(s string) bool {
	for i, r := range s {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// file returns a file's content without the line ends at its end, since most editors add one.
func (r *resolver) file(name string) (string, error) {
	if name == "" {
		return "", errors.New("${file:path} needs a path")
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(r.dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file", name)
	case err == nil && info.Size() > maxSecretFile:
		return "", fmt.Errorf("file %s is larger than %d bytes", name, maxSecretFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err
		}
		return "", fmt.Errorf("file %s cannot be read: %w", name, err)
	}
	value := strings.TrimRight(string(data), "\r\n")
	if fault := refusedCharacter(value); fault != "" {
		return "", uncleanError(fmt.Sprintf("file %s contains %s; only its end may have line ends. Write the value "+
			"alone, as UTF-8 without a byte order mark", name, fault))
	}
	return value, nil
}
