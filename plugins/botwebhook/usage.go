package main

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxUsage limits plausible numbers, because a wrong one would corrupt a counter permanently.
const maxUsage = 1e9

// usage is the cost of an answer. Missing and implausible numbers are 0.
type usage struct{ Total, Prompt, Completion, Credits float64 }

// tokenCounts are the reported tokens.
type tokenCounts struct {
	Total      float64 `json:"total_tokens"`
	Prompt     float64 `json:"prompt_tokens"`
	Completion float64 `json:"completion_tokens"`
}

// decodeUsage decodes the usage of an answer ("Send message v2", Response) or the data of a stream's Cost frame. The
// format of a Cost frame is not documented: it may be usage, or only its tokens. Malformed usage is ignored.
func decodeUsage(v jsontext.Value) usage {
	var u struct {
		Tokens  *tokenCounts `json:"tokens"`
		Credits struct {
			Total float64 `json:"total_credits"`
		} `json:"credits"`
	}
	if v.Kind() != '{' || decode(v, &u) != nil {
		return usage{}
	}
	var c tokenCounts
	if u.Tokens != nil {
		c = *u.Tokens
	} else if decode(v, &c) != nil {
		return usage{}
	}
	return usage{
		Total: plausible(c.Total), Prompt: plausible(c.Prompt), Completion: plausible(c.Completion),
		Credits: plausible(u.Credits.Total),
	}
}

func plausible(n float64) float64 {
	if n > 0 && n <= maxUsage {
		return n
	}
	return 0
}

// attributes returns the cost as attributes, or nil.
func (u usage) attributes() map[string]string {
	if u.Total == 0 && u.Credits == 0 {
		return nil
	}
	out := make(map[string]string, 2)
	if u.Total > 0 {
		out[attrTokens] = strconv.FormatFloat(u.Total, 'f', -1, 64)
	}
	if u.Credits > 0 {
		out[attrCredits] = strconv.FormatFloat(u.Credits, 'f', -1, 64)
	}
	return out
}
