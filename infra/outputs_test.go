package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOutputsHaveTheHostsAndNoSecret(t *testing.T) {
	tmpl := golden(t, "default")
	names := slices.Sorted(maps.Keys(tmpl.Outputs))
	wantNames := []string{"AppsTable", "ClientHost", "Env", "PublishHost", "StateTable"}
	if !slices.Equal(names, wantNames) {
		t.Errorf("outputs: %v", names)
	}
	publish := text(tmpl.Outputs["PublishHost"].Value)
	want := `BROADCAST_CONNECTION=reverb
REVERB_APP_ID= # see scripts/app
REVERB_APP_KEY= # see scripts/app
REVERB_APP_SECRET= # see scripts/app
REVERB_HOST=` + publish + `
REVERB_PORT=443
REVERB_SCHEME=https
VITE_REVERB_APP_KEY="${REVERB_APP_KEY}"
VITE_REVERB_HOST=${Client.DomainName}
VITE_REVERB_PORT=443
VITE_REVERB_SCHEME=https`
	if diff := cmp.Diff(want, text(tmpl.Outputs["Env"].Value)); diff != "" {
		t.Error(diff)
	}
	for name, output := range tmpl.Outputs {
		if strings.Contains(text(output.Value), "StackId") {
			t.Errorf("%s shows the origin secret", name)
		}
	}
}
