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
		{"a section on the next line", "shared/a.go", "\t// see docs/wire.md\n\t// §3.2 here", 2},
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
		{"a file in backticks", "docs/other.md", "`shared/api/routes.go`", 1},
		{"a folder in backticks", "docs/other.md", "`shared/api/`", 1},
		{"a name of Go in backticks", "docs/other.md", "`shared/api.Routes`", 1},
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
	const code, prose = "shared/a.go", "docs/other.md"
	for _, c := range []struct{ name, file, text, want string }{
		{"a page", code, "\n// see gone.md §3", "2: the page gone.md does not exist"},
		{"a section", code, "// docs/wire.md §3.3", "1: docs/wire.md has no section §3.3"},
		{
			"the second section", code, "// docs/wire.md §3 and §A6",
			"1: docs/wire.md has no section §A6",
		},
		{
			"a section on the next line", code, "// docs/wire.md\n// §B",
			"2: docs/wire.md has no section §B",
		},
		{"a line", code, "// (docs/wire.md §9, 15)", "1: docs/wire.md §9 has no line 15"},
		{"a line as a part", code, "// docs/wire.md §9.15", "1: docs/wire.md has no section §9.15"},
		{
			"words", code, `// docs/wire.md §3, "Vacate"`,
			`1: docs/wire.md §3 says nothing of "Vacate"`,
		},
		{"a page of another folder", code, "// wire.md", "1: the page wire.md does not exist"},
		{"a link", prose, "[a](../gone)", "1: the link to ../gone leads nowhere"},
		{
			"a link from the wrong folder", prose, "[a](shared/api)",
			"1: the link to shared/api leads nowhere",
		},
		{"a definition of a link", prose, "a\n[a]: gone", "2: the link to gone leads nowhere"},
		{"an anchor", prose, "[a](wire.md#what)", "1: docs/wire.md has no heading #what"},
		{"an anchor of the page", prose, "[a](#what)", "1: docs/other.md has no heading #what"},
		{
			"a path in backticks", prose, "`shared/api/gone.go`",
			"1: shared/api/gone.go does not exist",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := broken(t, c.file, c.text)
			if want := c.file + ":" + c.want; !slices.Equal(problems, []string{want}) {
				t.Errorf("broken: %s\nwant:   %s", strings.Join(problems, "\n        "), want)
			}
		})
	}
}
