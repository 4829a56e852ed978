package docs_test

import (
	"os"
	"testing"
)

// TestReferencesResolve fails with file:line for each reference of the repository that leads
// nowhere: a cited page or section that does not exist, or a Markdown link or anchor.
func TestReferencesResolve(t *testing.T) {
	r, err := load(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	found, broken := r.check()
	for _, b := range broken {
		t.Error(b)
	}
	t.Logf("%d references in %d files, %d resolved", found, len(r.texts), found-len(broken))
	if found == 0 {
		t.Error("no reference was found: the walk or the patterns are wrong")
	}
}
