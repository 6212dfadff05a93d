package config

// AdminListen returns the address of the admin listener by the same rules as Load: the environment overrides the file,
// and the file overrides the default. It reads no other setting, so that it works without the gateway's secrets. Every
// error is a *Problems.
func AdminListen(opts Options) (string, error) {
	l := newLoader(opts)
	const variable = EnvPrefix + "ADMIN__LISTEN"
	l.opts.Environ = nil
	l.root = &node{kind: mapping, at: Position{File: opts.Path}}
	if value := l.resolver.environ[variable]; value != "" {
		l.opts.Environ = []string{variable + "=" + value}
	} else if data, ok := l.data(); !ok || !l.read(data) {
		return "", &Problems{List: tidy(l.problems)}
	}
	l.merge()
	l.problems = nil // problems of other settings do not matter here
	var listen setting[string]
	l.decode(&listen, l.root.find("admin", "listen"))
	l.markBroken()
	l.checkAddress(&listen)
	if len(l.problems) > 0 {
		return "", &Problems{List: tidy(l.problems)}
	}
	return listen.value, nil
}

// StoreDir returns the folder of the log by the same rules as Load. It reads no other setting. If the file is not
// usable, it returns the folder of the environment or of the defaults.
func StoreDir(opts Options) string {
	l := newLoader(opts)
	const variable = EnvPrefix + "STORE__DIR"
	l.opts.Environ = nil
	if value := l.resolver.environ[variable]; value != "" {
		l.opts.Environ = []string{variable + "=" + value}
	}
	if data, ok := l.data(); !ok || !l.read(data) {
		l.root = &node{kind: mapping, at: Position{File: opts.Path}}
	}
	l.merge()
	var dir setting[string]
	l.decode(&dir, l.root.find("store", "dir"))
	return l.filePath(dir.value)
}
