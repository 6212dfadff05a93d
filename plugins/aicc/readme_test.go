package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchbay/sdk"
	"patchbay/sdk/settingsdoc"
)

// TestSettingsTable keeps the table of the README what the schema says; -update writes it.
func TestSettingsTable(t *testing.T) {
	schema, err := sdk.Schema(newAdapter().Describe().Settings)
	if err != nil {
		t.Fatal(err)
	}
	table, err := settingsdoc.Table(schema)
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := settingsdoc.Insert(string(readme), table)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(readme)); diff != "" {
		t.Errorf("README.md differs from the schema; run the test with -update (-want +got):\n%s", diff)
	}
}
