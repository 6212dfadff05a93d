package main

import (
	"testing"

	sdksettings "patchbay/sdk/settings"
)

// TestSettingsTable keeps the table of the README what the settings are; -update writes it.
func TestSettingsTable(t *testing.T) {
	if err := sdksettings.SyncTable("README.md", newAdapter().Describe().Settings, *update); err != nil {
		t.Errorf("%v; run the test with -update", err)
	}
}
