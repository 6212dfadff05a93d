package crash

import "strings"

// fence checks what each customer heard between the markers that say who has control: only the owner, and of bots only
// the conversation of the present term.
func (v *verdict) fence() {
	for user, replies := range v.replies {
		owner, term := "bot", 0
		terms := map[string]int{} // of bots' conversations
		first := map[string]bool{}
		for _, r := range replies {
			if first[r.key] {
				continue // known by its key: no effect
			}
			first[r.key] = true
			switch {
			case r.passedTo != "":
				owner = r.passedTo
				term++
			case r.text == "" || r.role == "system":
			case r.role != owner:
				v.find(user, "%q of a %s came while the %s had control", r.text, r.role, owner)
			case r.role == "bot":
				_, conversation, _ := strings.Cut(r.text, " in ")
				if was, known := terms[conversation]; known && was != term {
					v.find(user, "%q came in term %d out of a conversation of term %d", r.text, term, was)
				}
				terms[conversation] = term
			}
		}
	}
}
