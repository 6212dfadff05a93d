package adaptertest

import (
	"strings"
)

// checkSecrets says where secrets were heard in all sections before.
func checkSecrets(x *exam) {
	x.work()
	printed := x.assert("secrets.printed", "nothing secret is printed or logged")
	said := x.assert("secrets.errors", "nothing secret is in errors, problems and receipts")
	kept := x.assert("secrets.envelopes", "nothing secret is in envelopes and answers")
	metrics := x.assert("secrets.metrics", "nothing secret is in metrics")
	if len(x.secrets()) == 0 {
		for _, a := range []*Assertion{printed, said, kept, metrics} {
			a.skip("the exam's settings have no secret")
		}
		return
	}
	_, err := x.metrics()
	metrics.check(err == nil, "%v", err)
	metrics.check(len(x.witness.leaked("the metrics")) == 0, "a secret is in the metrics: take it out of names and labels")
	printed.check(!x.witness.printed(), "a secret was printed or logged: log neither settings nor requests (Go: keep it in an sdk.Secret)")
	places := append(append(x.witness.leaked("an error of "), x.witness.leaked("a problem")...),
		x.witness.leaked("a receipt")...)
	said.check(len(places) == 0, "a secret is in %s: say what was refused, never what was presented or configured", strings.Join(places, ", "))
	places = append(x.witness.leaked("an envelope"), x.witness.leaked("an answer")...)
	kept.check(len(places) == 0, "a secret is in %s: take credentials out of Raw", strings.Join(places, ", "))
}
