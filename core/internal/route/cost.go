package route

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"

	"patchbay/core/internal/finding"
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// costLimit is the maximum worst-case cost of a condition. A unit of CEL's costs takes about 10 ns.
const costLimit = 1_000_000

// checkCost refuses conditions that could slow down the gateway. Conditions have no loops and texts have a limit, so
// the worst case is known at compile time. Costs are not counted at run time, because that makes evaluation three
// times slower.
func (l *language) checkCost(tree *cel.Ast) *Problem {
	estimate, err := l.env.EstimateCost(tree, worstCase{l})
	if err != nil {
		return &Problem{Code: finding.ConditionCost, Line: 1, Column: 1,
			Message: "its cost cannot be estimated: " + text.FirstLine(err.Error())}
	}
	if estimate.Max > costLimit {
		return &Problem{Code: finding.ConditionCost, Line: 1, Column: 1,
			Message: fmt.Sprintf("could take too long on a long message (cost %d, "+
				"at most %d); use fewer or shorter patterns, or mentions", estimate.Max, costLimit)}
	}
	return nil
}

// worstCase estimates the size of variables and the cost of our functions.
type worstCase struct{ language *language }

var _ cost.Estimator = worstCase{}

// EstimateSize returns the limits of variables and results.
func (worstCase) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	if node.ComputedSize() != nil {
		return nil
	}
	size := cost.RangedSizeEstimate(0, envelope.MaxAttributeBytes)
	path := node.Path()
	switch {
	case len(path) == 1 && path[0] == "text":
		size = cost.RangedSizeEstimate(0, MaxText)
	case node.Type().Kind() == types.ListKind:
		size = cost.RangedSizeEstimate(0, envelope.MaxParts)
	}
	return &size
}

// EstimateCallCost returns the cost of our functions.
func (w worstCase) EstimateCallCost(function, _ string, _ *cost.AstNode, args []cost.AstNode) *cost.CallEstimate {
	switch function {
	case "@attr", "@open":
		return cost.NewCallEstimate(cost.FixedCostEstimate(5), nil)
	case "@bucket", "number":
		return cost.NewCallEstimate(cost.FixedCostEstimate(20), nil)
	case "@data": // parsing JSON takes about 10 ns per byte
		return cost.NewCallEstimate(cost.FixedCostEstimate(envelope.MaxAttributeBytes), nil)
	case "@mentions":
		words := uint64(costLimit)
		if n, ok := cost.UintValue(args[1]); ok && n < uint64(len(w.language.lists)) {
			words = uint64(len(w.language.lists[n]))
		}
		return cost.NewCallEstimate(cost.RangedCostEstimate(1, cost.SafeMultiply(words, MaxText/100)), nil)
	}
	return nil
}
