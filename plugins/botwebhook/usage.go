package main

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// maxUsage bounds numbers that are believed: a wrong one would spoil a counter for good.
const maxUsage = 1e9

// usage is what an answer cost. Numbers that the vendor does not report, or that can't be, are 0.
type usage struct{ Total, Prompt, Completion, Credits float64 }

// costs are tokens as the vendor reports them.
type costs struct {
	Total      float64 `json:"total_tokens"`
	Prompt     float64 `json:"prompt_tokens"`
	Completion float64 `json:"completion_tokens"`
}

// readUsage reads the usage of an answer ("Send message v2", Response) or the data of a stream's Cost frame, whose form is
// not documented: the same, or tokens alone. It is never a reason to refuse anything.
func readUsage(v jsontext.Value) usage {
	var u struct {
		Tokens  *costs `json:"tokens"`
		Credits struct {
			Total float64 `json:"total_credits"`
		} `json:"credits"`
	}
	if v.Kind() != '{' || decode(v, &u) != nil {
		return usage{}
	}
	var c costs
	if u.Tokens != nil {
		c = *u.Tokens
	} else if decode(v, &c) != nil {
		return usage{}
	}
	return usage{
		Total: credible(c.Total), Prompt: credible(c.Prompt), Completion: credible(c.Completion),
		Credits: credible(u.Credits.Total),
	}
}

func credible(n float64) float64 {
	if n > 0 && n <= maxUsage {
		return n
	}
	return 0
}

// attributes tells people what an answer cost; nil if nothing is known.
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
