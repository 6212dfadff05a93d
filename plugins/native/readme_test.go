package main

import (
	"testing"

	"patchbay/sdk/settingsdoc"
)

// TestSettingsTable keeps the table of the README what the settings are; -update writes it.
func TestSettingsTable(t *testing.T) {
	if err := settingsdoc.Sync("README.md", newAdapter().Describe().Settings, *update); err != nil {
		t.Errorf("%v; run the test with -update", err)
	}
}
