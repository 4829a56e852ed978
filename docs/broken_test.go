package docs_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// wire is a page with sections of each kind.
const wire = `# Wire

## 3. Channels
### 3.2 Auth strings

The *second* look, "Check", comes later.

## 9. Checklist
1. One.
14. Fourteen.

## A. API Gateway
### A5. Posts

## What works?
## What works?
<a id="by-hand"></a>
`

// broken returns what is wrong in a repository that has the file beside a page docs/wire.md.
func broken(t *testing.T, name, text string) (found int, problems []string) {
	t.Helper()
	r, err := load(fstest.MapFS{
		"docs/wire.md":           {Data: []byte(wire)},
		"shared/api/routes.go":   {Data: []byte("package api\n")},
		"node_modules/a/READ.md": {Data: []byte("[gone](gone.md)")},
		name:                     {Data: []byte(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.check()
}

func TestReferencesThatResolve(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		found            int
	}{
		{"a page", "shared/a.go", "// see docs/wire.md.", 1},
		{"a section of two levels", "shared/a.go", "// (docs/wire.md §3.2)", 2},
		{"a section at the end of a sentence", "shared/a.go", "// as in docs/wire.md §3. Then", 2},
		{"sections named by letters", "shared/a.go", "// docs/wire.md §A and §A5, which", 3},
		{"a list of sections", "shared/a.go", "// docs/wire.md §9, §3.2)", 3},
		{"a line of the checklist", "shared/a.go", "// (docs/wire.md §9, 14).", 3},
		{"two lines of the checklist", "shared/a.go", "// (docs/wire.md §9, 1 and 14)", 4},
		{"a line as a part of the section", "shared/a.go", "// docs/wire.md §9.14", 2},
		{"a number that is no line", "shared/a.go", "// docs/wire.md §9, 77 times", 2},
		{"words of a section", "shared/a.go", `// docs/wire.md §3, "Check".`, 3},
		{"a section on the next line", "shared/a.go", "\t// follows docs/wire.md\n\t// §3.2 here", 2},
		{"a page beside the citing page", "docs/other.md", "see wire.md §3", 2},
		{"a script without extension", "scripts/run", "# docs/wire.md §3", 2},
		{"a page of somebody else", "shared/a.go", "// https://example.com/gone.md", 0},
		{"a link to a page", "docs/other.md", "[wire](wire.md)", 2},
		{"a link to a folder", "docs/other.md", "[api](../shared/api)", 1},
		{"a link to a heading", "docs/other.md", "[wire](wire.md#what-works)", 2},
		{"a link to a repeated heading", "docs/other.md", "[wire](wire.md#what-works-1)", 2},
		{"a link to an anchor in HTML", "docs/other.md", "[wire](wire.md#by-hand)", 2},
		{"a link within the page", "docs/other.md", "# A b\n[a](#a-b)", 1},
		{"a link in code", "docs/other.md", "```\n[a](gone)\n```\n`[b](gone)`", 0},
		{"a path in backticks", "docs/other.md", "`shared/api/routes.go`, `shared/api/`, `shared/api.Routes`", 3},
		{"a path of nothing of ours", "docs/other.md", "`example.com/gone`, `shared/*`", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, problems := broken(t, c.file, c.text)
			if len(problems) > 0 || found != c.found {
				t.Errorf("found %d references, want %d; broken: %q", found, c.found, problems)
			}
		})
	}
}

func TestReferencesThatLeadNowhere(t *testing.T) {
	for _, c := range []struct {
		name, file, text string
		want             string
	}{
		{"a page", "shared/a.go", "\n// see gone.md §3", "shared/a.go:2: the page gone.md does not exist"},
		{"a section", "shared/a.go", "// docs/wire.md §3.3", "shared/a.go:1: docs/wire.md has no section §3.3"},
		{"the second section", "shared/a.go", "// docs/wire.md §3 and §A6", "shared/a.go:1: docs/wire.md has no section §A6"},
		{"a section on the next line", "shared/a.go", "// docs/wire.md\n// §B", "shared/a.go:2: docs/wire.md has no section §B"},
		{"a line", "shared/a.go", "// (docs/wire.md §9, 15)", "shared/a.go:1: docs/wire.md §9 has no line 15"},
		{"a line as a part", "shared/a.go", "// docs/wire.md §9.15", "shared/a.go:1: docs/wire.md has no section §9.15"},
		{"words", "shared/a.go", `// docs/wire.md §3, "Vacate"`, `shared/a.go:1: docs/wire.md §3 says nothing of "Vacate"`},
		{"a page that only its own folder has", "shared/a.go", "// wire.md", "shared/a.go:1: the page wire.md does not exist"},
		{"a link", "docs/other.md", "[a](../gone)", "docs/other.md:1: the link to ../gone leads nowhere"},
		{"a link from the wrong folder", "docs/other.md", "[a](shared/api)", "docs/other.md:1: the link to shared/api leads nowhere"},
		{"a definition of a link", "docs/other.md", "a\n[a]: gone", "docs/other.md:2: the link to gone leads nowhere"},
		{"an anchor", "docs/other.md", "[a](wire.md#what)", "docs/other.md:1: docs/wire.md has no heading #what"},
		{"an anchor of the page", "docs/other.md", "[a](#what)", "docs/other.md:1: docs/other.md has no heading #what"},
		{"a path in backticks", "docs/other.md", "`shared/api/gone.go`", "docs/other.md:1: shared/api/gone.go does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := broken(t, c.file, c.text)
			if !slices.Equal(problems, []string{c.want}) {
				t.Errorf("broken: %s\nwant:   %s", strings.Join(problems, "\n        "), c.want)
			}
		})
	}
}
