package render

import (
	"fmt"
	"strings"

	"patchbay/sdk/text"
)

// singleMedium renders the share with one medium, without its caption, which another share contains. If the target
// does not take the medium, text replaces it.
func (r *renderer) singleMedium(part int) Content {
	if part < 0 {
		return Content{}
	}
	if r.carries(part) {
		return Content{Media: []int{part}, Alone: true}
	}
	p := withLink(r.Parts[part], r.media[part])
	p.Text = ""
	return r.cutToLimit(PartText(&p), r.losses(func(i int) bool { return i == part }))
}

// cutToLimit cuts text at the target's limit. The text can be longer than its extent was when the delivery was queued,
// for example because of a long link.
func (r *renderer) cutToLimit(s, lost string) Content {
	limit := r.target.TextBytes
	if limit <= 0 || len(s) <= limit {
		return Content{Text: s, Degraded: lost}
	}
	return Content{Text: Piece(s, 0, 2, limit), Degraded: Join(lost, fmt.Sprintf("cut to %d bytes", limit))}
}

// carries reports whether the target takes a part as it is or as it was prepared.
func (r *renderer) carries(part int) bool {
	p := &r.Parts[part]
	if !r.target.takes(p.Type) {
		return false
	}
	return !p.Type.IsMedia() || r.media[part].Ready || r.target.Links && IsLink(p.URL)
}

// losses describes the lost parts, which text replaces, with their problems. It returns "" if no part is lost.
func (r *renderer) losses(isLost func(part int) bool) string {
	var names []string
	for i := range r.Parts {
		if !isLost(i) {
			continue
		}
		name := string(r.Parts[i].Type)
		if problem := r.media[i].Problem; problem != "" {
			name += " (" + problem + ")"
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return text.Abbreviate("sent as text: "+strings.Join(names, ", "), MaxDegraded)
}

// Join joins descriptions of losses.
func Join(a, b string) string {
	if a != "" && b != "" {
		return a + "; " + b
	}
	return a + b
}
