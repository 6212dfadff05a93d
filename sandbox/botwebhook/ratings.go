package botwebhook

import (
	"context"
	"slices"
)

// Rating is one accepted call of the pages "Agent response feedback" and "Agent quality".
type Rating struct {
	AnswerID string
	Feedback string // POSITIVE, NEGATIVE or CANCELED; "" if it is a quality
	Quality  string // NONE, UNRESOLVED, PARTIALLY_RESOLVED or FULLY_RESOLVED; "" if it is a feedback
}

var (
	feedbacks = []string{"POSITIVE", "NEGATIVE", "CANCELED"}
	qualities = []string{"NONE", "UNRESOLVED", "PARTIALLY_RESOLVED", "FULLY_RESOLVED"}
)

func (s *Simulator) feedback(_ context.Context, body []byte) (any, error) {
	var in struct {
		AnswerID string `json:"answer_id"`
		Feedback string `json:"feedback"`
	}
	if err := s.decode(body, &in); err != nil {
		return nil, err
	}
	if !slices.Contains(feedbacks, in.Feedback) {
		return nil, badParameters("feedback: %q, must be one of %q", in.Feedback, feedbacks)
	}
	return s.rate(Rating{AnswerID: in.AnswerID, Feedback: in.Feedback})
}

func (s *Simulator) quality(_ context.Context, body []byte) (any, error) {
	var in struct {
		AnswerID string `json:"answer_id"`
		Quality  string `json:"quality"`
	}
	if err := s.decode(body, &in); err != nil {
		return nil, err
	}
	if !slices.Contains(qualities, in.Quality) {
		return nil, badParameters("quality: %q, must be one of %q", in.Quality, qualities)
	}
	return s.rate(Rating{AnswerID: in.AnswerID, Quality: in.Quality})
}

// rate answers how many answers the rating is for: none if no answer has that id. With Discard every id counts.
func (s *Simulator) rate(r Rating) (any, error) {
	if r.AnswerID == "" {
		return nil, badParameters("answer_id: missing")
	}
	count := 1
	if _, known := s.answers.Load(r.AnswerID); !known && !s.o.Discard {
		count = 0
	}
	s.Rated.Append(r)
	return map[string]int{"affectCount": count}, nil
}
