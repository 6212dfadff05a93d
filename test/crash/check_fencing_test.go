package crash

import "strings"

// checkFencing checks that each customer receives answers of the current owner only. The events of type passed name the
// owner. Answers of a bot must come from a conversation that the bot had in no other epoch.
func (v *oracle) checkFencing() {
	for user, replies := range v.answerArrivals {
		owner, epoch := "bot", 0
		epochs := map[string]int{} // by the bot's conversation
		first := map[string]bool{}
		for _, r := range replies {
			if first[r.key] {
				continue // a duplicate
			}
			first[r.key] = true
			switch {
			case r.passedTo != "":
				owner = r.passedTo
				epoch++
			case r.text == "" || r.role == "system":
			case r.role != owner:
				v.addFinding(user, "%q of a %s arrived while the %s had control", r.text, r.role, owner)
			case r.role == "bot":
				_, conversation, _ := strings.Cut(r.text, " in ")
				if was, known := epochs[conversation]; known && was != epoch {
					v.addFinding(user, "%q arrived in epoch %d from a conversation of epoch %d", r.text, epoch, was)
				}
				epochs[conversation] = epoch
			}
		}
	}
}
