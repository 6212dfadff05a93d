package main

import (
	"testing"

	"patchbay/plugins/internal/golden"
	sdksettings "patchbay/sdk/settings"
)

// The README's table must match the settings. The flag -update writes it.
func TestSettingsTable(t *testing.T) {
	if err := sdksettings.SyncTable("README.md", newAdapter().Describe().Settings, *golden.Update); err != nil {
		t.Errorf("%v; run the test with -update", err)
	}
}
