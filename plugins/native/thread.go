package main

import "strings"

// thread is the channel's handle for a conversation: one customer of one chatbot. Its text form is the
// three names joined by slashes; slashes and percent signs within a name are escaped, so that no two
// threads have the same text.
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

// parseThread reads the text form.
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
