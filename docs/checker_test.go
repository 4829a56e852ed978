package docs_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// repository is what references may lead to, and what they stand in.
type repository struct {
	paths map[string]bool   // every file and folder
	texts map[string]string // by path, of the files that are searched for references
	pages map[string]*page  // by path, of the Markdown files
}

// load reads a repository. It leaves out what is built or fetched, and the test files of this
// package, which are full of broken references on purpose.
func load(fsys fs.FS) (*repository, error) {
	r := &repository{
		paths: map[string]bool{}, texts: map[string]string{}, pages: map[string]*page{},
	}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		made := []string{".git", "node_modules", "dist", "cdk.out"}
		if d.IsDir() && slices.Contains(made, d.Name()) {
			return fs.SkipDir
		}
		r.paths[name] = true
		own := path.Dir(name) == "docs" && strings.HasSuffix(name, "_test.go")
		if d.IsDir() || own || !searched(name) {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil || bytes.IndexByte(text, 0) >= 0 {
			return err
		}
		r.texts[name] = string(text)
		if path.Ext(name) == ".md" {
			r.pages[name] = parse(string(text))
		}
		return nil
	})
	return r, err
}

// searched reports whether the file holds code or prose of ours. Scripts have no extension.
func searched(name string) bool {
	kinds := []string{"", ".go", ".mjs", ".js", ".md", ".sh", ".yml", ".yaml", ".json"}
	return slices.Contains(kinds, path.Ext(name)) || strings.HasPrefix(path.Base(name), ".")
}

// check resolves all references. It returns how many there are, and what is wrong with those that
// lead nowhere, as file:line: message.
func (r *repository) check() (found int, broken []string) {
	for name, text := range r.texts {
		c := &checker{repository: r, name: name, text: text}
		c.citations()
		if path.Ext(name) == ".md" {
			c.links()
			c.code()
		}
		found += c.found
		broken = append(broken, c.broken...)
	}
	slices.Sort(broken)
	return found, broken
}

// checker resolves the references of one file.
type checker struct {
	*repository

	name, text string
	found      int
	broken     []string
}

func (c *checker) fail(offset int, format string, args ...any) {
	line := strings.Count(c.text[:offset], "\n") + 1
	problem := fmt.Sprintf(format, args...)
	c.broken = append(c.broken, fmt.Sprintf("%s:%d: %s", c.name, line, problem))
}

// What a citation looks like: "docs/aws.md §A2 and §A5", "docs/protocol.md §9, 14",
// "docs/steps.md §3, "Check"". between also spans the end of a line and the mark of a comment.
var (
	pageName  = regexp.MustCompile(`[\w.][\w./-]*\.md\b`)
	between   = "[`)\\]]*(?:\\s+(?://|#|\\*)?\\s*)"
	word      = `(?:and|or|to)`
	firstPart = regexp.MustCompile(`^` + between + `§(` + number + `)`)
	nextPart  = regexp.MustCompile(`^,?` + between + `(?:` + word + between + `)?§(` + number + `)`)
	itemPart  = regexp.MustCompile(`^(?:,| and)` + between + `(\d+)(?:[^\w\s]|\s*$|\s+and\s+\d)`)
	quotePart = regexp.MustCompile(`^,` + between + `"([^"\n]+)"`)
)

// number is how a section is called: 3, 3.2, A, A5.
const number = `(?:[A-Z]\d*|\d+)(?:\.\d+)*`

// others are pages of other people's repositories that ours name as sources.
var others = []string{
	"RULES.md", // cdk-nag
	"event-sources.md",
	"docs/services/api-gateway.md", // Floci
	"docs/channels/library_auth_reference/pusher-websockets-protocol.md", // Pusher
}

// citations resolves what is written as page.md, with sections behind it or without.
func (c *checker) citations() {
	for _, at := range pageName.FindAllStringIndex(c.text, -1) {
		cited := c.text[at[0]:at[1]]
		before := c.text[:at[0]]
		if strings.HasPrefix(cited, "...") || strings.HasSuffix(before, "/") ||
			strings.HasSuffix(before, ":") || slices.Contains(others, cited) {
			continue
		}
		c.found++
		p := c.page(cited)
		if p == nil {
			c.fail(at[0], "the page %s does not exist", cited)
			continue
		}
		c.sections(p, cited, at[1])
	}
}

// page returns the Markdown file that a name means: from the root, or from the folder of the file
// that cites it.
func (c *checker) page(cited string) *page {
	if p := c.pages[path.Clean(cited)]; p != nil {
		return p
	}
	return c.pages[path.Join(path.Dir(c.name), cited)]
}

// sections resolves the sections that follow the name of a page.
func (c *checker) sections(p *page, cited string, offset int) {
	pattern := firstPart
	for {
		at := pattern.FindStringSubmatchIndex(c.text[offset:])
		if at == nil {
			return
		}
		section := c.text[offset+at[2] : offset+at[3]]
		c.found++
		body, exists := p.section(section)
		if !exists {
			c.fail(offset+at[2], "%s has no section §%s", cited, section)
		}
		offset = c.within(offset+at[1], cited+" §"+section, body, exists)
		pattern = nextPart
	}
}

// within resolves what is named of a section: numbered lines, or a text in quotes. It returns where
// that ends.
func (c *checker) within(offset int, section, body string, exists bool) int {
	for {
		if at := itemPart.FindStringSubmatchIndex(c.text[offset:]); at != nil {
			item := c.text[offset+at[2] : offset+at[3]]
			c.found++
			if exists && !hasLine(body, item) {
				c.fail(offset+at[2], "%s has no line %s", section, item)
			}
			offset += at[3]
			continue
		}
		if at := quotePart.FindStringSubmatchIndex(c.text[offset:]); at != nil {
			text := c.text[offset+at[2] : offset+at[3]]
			c.found++
			if exists && !strings.Contains(strings.ToLower(body), strings.ToLower(text)) {
				c.fail(offset+at[2], "%s says nothing of %q", section, text)
			}
			offset += at[1]
			continue
		}
		return offset
	}
}

// link is an inline link or the definition of one.
var link = regexp.MustCompile(
	`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)` + `|(?m:^\[[^\]\n]+\]:\s+<?(\S+?)>?$)`)

// links resolves the links of a Markdown file, from the file's own folder as GitHub does.
func (c *checker) links() {
	prose := withoutCode(c.text)
	for _, at := range link.FindAllStringSubmatchIndex(prose, -1) {
		from, to := at[2], at[3]
		if from < 0 {
			from, to = at[4], at[5]
		}
		target, anchor, _ := strings.Cut(prose[from:to], "#")
		if strings.Contains(target, ":") { // http://, mailto:
			continue
		}
		c.found++
		file := c.name
		switch {
		case strings.HasPrefix(target, "/"):
			file = strings.TrimPrefix(target, "/")
		case target != "":
			file = path.Join(path.Dir(c.name), target)
		}
		p := c.pages[file]
		switch {
		case !c.paths[file]:
			c.fail(from, "the link to %s leads nowhere", target)
		case anchor != "" && p != nil && !p.anchors[anchor]:
			c.fail(from, "%s has no heading #%s", file, anchor)
		}
	}
}

// code is a path in backticks. A name behind a dot may be Go's: `shared/httpapi.API`.
var (
	codeSpan = regexp.MustCompile("`[^`\n]+`")
	codePath = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+/?$`)
)

// code resolves paths in backticks that begin with a folder of the repository.
func (c *checker) code() {
	prose := withoutFences(c.text)
	for _, at := range codeSpan.FindAllStringIndex(prose, -1) {
		name := strings.Trim(prose[at[0]:at[1]], "`")
		top, _, _ := strings.Cut(name, "/")
		if !codePath.MatchString(name) || !c.paths[top] {
			continue
		}
		c.found++
		name = strings.TrimSuffix(name, "/")
		dir, base := path.Split(name)
		base, _, _ = strings.Cut(base, ".")
		if !c.paths[name] && (base == "" || !c.paths[dir+base]) {
			c.fail(at[0], "%s does not exist", name)
		}
	}
}
