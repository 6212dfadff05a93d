package admin

import (
	"fmt"
	"net/http"

	"patchbay/core/internal/recorded"
)

// conversationExport serves GET /api/conversations/{id}/export?config=…[&texts=1]: the conversation as a file of
// conversation tests. Without texts, placeholders replace texts and names.
func (a *Admin) conversationExport(w http.ResponseWriter, r *http.Request) {
	x := &recorded.Export{
		Conversation: r.PathValue("id"), Texts: r.URL.Query().Has("texts"), Rules: a.Running().Config.Table,
	}
	w = newStallWriter(w) // reading a large log takes minutes
	err := a.Trail.Export(r.Context(), x)
	var file []byte
	if err == nil {
		file, err = x.YAML(r.URL.Query().Get("config"))
	}
	switch {
	case err != nil:
		a.fail(w, "export the conversation", err)
	case file == nil:
		reply(w, http.StatusNotFound, problem{fmt.Sprintf("the log does not have the beginning of a conversation %q; "+
			"`patchbay trace` finds the conversation of a message, thread or customer", x.Conversation)})
	default:
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(file) // fails if the caller has disconnected
	}
}
