package route

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk/envelope"
)

func TestTextsAndNumbersOfConditions(t *testing.T) {
	table, problems := Compile([]Rule{
		{Name: "a", When: `mentions(["Agent", "人工"]) || attr("tier") == "gold"`, Drop: true},
		{Name: "b", When: `handovers > 2 && bucket("beta") < 10`, Drop: true},
		{Name: "c", Drop: true},
	}, Channels{"web": envelope.RoleCustomer})
	if table == nil {
		t.Fatal(problems)
	}
	if diff := cmp.Diff([]string{"agent", "beta", "gold", "tier", "人工"}, table.Literals()); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{0, 2, 10}, table.Numbers()); diff != "" { // 0 is the number of the list of mentions
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
	if got := table.Buckets()("web", "u1"); len(got) != 1 || got[0] != bucket("beta", "web", "u1") {
		t.Errorf("buckets %v", got)
	}
}
