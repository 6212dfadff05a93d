package crash

import "strings"

// checkFencing checks that between two ownership markers a customer receives messages of the owner only, and of a bot
// only those of its conversation in this epoch.
func (v *verdict) checkFencing() {
	for user, replies := range v.replies {
		owner, epoch := "bot", 0
		epochs := map[string]int{} // by the bot's conversation
		first := map[string]bool{}
		for _, r := range replies {
			if first[r.key] {
				continue // a duplicate without effect
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
