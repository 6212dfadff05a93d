package main

import "strings"

// thread identifies one customer of one chatbot. Its text form joins the names with slashes. Slashes and percent signs
// in a name are escaped, so that different threads have different texts.
type thread struct{ organization, chatbot, user string }

var (
	threadEscaper   = strings.NewReplacer("%", "%25", "/", "%2F")
	threadUnescaper = strings.NewReplacer("%25", "%", "%2F", "/")
)

// String returns the text form.
func (t thread) String() string {
	return threadEscaper.Replace(t.organization) + "/" + threadEscaper.Replace(t.chatbot) + "/" +
		threadEscaper.Replace(t.user)
}

// parseThread parses the text form.
func parseThread(s string) (thread, bool) {
	names := strings.Split(s, "/")
	if len(names) != 3 {
		return thread{}, false
	}
	for i, name := range names {
		if name == "" {
			return thread{}, false
		}
		names[i] = threadUnescaper.Replace(name)
	}
	return thread{organization: names[0], chatbot: names[1], user: names[2]}, true
}
