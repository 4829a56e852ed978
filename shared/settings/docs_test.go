package settings_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hark/shared/settings"
)

var update = flag.Bool("update", false, "write the table in docs/settings.md anew")

// TestDocs compares the table in docs/settings.md with the catalogue.
func TestDocs(t *testing.T) {
	const page, from, to = "../../docs/settings.md", "<!-- settings -->\n", "<!-- /settings -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), from)
	table, after, found2 := strings.Cut(rest, to)
	if !found || !found2 {
		t.Fatalf("%s has no lines %q and %q", page, from, to)
	}
	want := settings.Markdown()
	if *update {
		if err := os.WriteFile(page, []byte(before+from+want+to+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("%s is stale; go test ./shared/settings -update writes it anew:\n%s", page, diff)
	}
}
