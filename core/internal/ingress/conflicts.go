package ingress

// Conflict is an endpoint that cannot be in the routing table.
type Conflict struct {
	Endpoint *Endpoint
	Other    *Endpoint // the earlier endpoint that it conflicts with; nil if its own pattern is malformed
	Err      error
}

// Conflicts builds the routing table and returns the endpoints that have no place in it, in order.
func Conflicts(endpoints []Endpoint) []Conflict {
	var out []Conflict
	var valid []Endpoint
	for i := range endpoints {
		ep := endpoints[i]
		err := tryRoutes(append(valid, ep))
		if err == nil {
			valid = append(valid, ep)
			continue
		}
		c := Conflict{Endpoint: &endpoints[i], Err: err}
		for j := range valid {
			if tryRoutes([]Endpoint{valid[j], ep}) != nil {
				c.Other = &valid[j]
				break
			}
		}
		if alone := tryRoutes([]Endpoint{ep}); alone != nil {
			c.Other, c.Err = nil, alone
		}
		out = append(out, c)
	}
	return out
}

func tryRoutes(endpoints []Endpoint) error {
	_, err := New(Options{Endpoints: endpoints})
	return err
}
