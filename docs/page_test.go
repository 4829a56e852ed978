package docs_test

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// page is a Markdown file with its headings.
type page struct {
	lines    []string
	headings []heading
	anchors  map[string]bool // as GitHub makes them of the headings, and those that are set in HTML
}

type heading struct {
	line, level int
	number      string // "3.2" of "### 3.2 Auth strings", "A5" of "### A5. ..."; "" if it has none
}

var (
	headingLine   = regexp.MustCompile(`^(#{1,6})\s+(.*?)\s*#*\s*$`)
	headingNumber = regexp.MustCompile(`^(?:([A-Z]?\d+(?:\.\d+)*)\.?|([A-Z])\.)(?:\s|$)`)
	htmlAnchor    = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

func parse(text string) *page {
	p := &page{lines: strings.Split(withoutFences(text), "\n"), anchors: map[string]bool{}}
	for i, line := range p.lines {
		for _, m := range htmlAnchor.FindAllStringSubmatch(line, -1) {
			p.anchors[m[1]] = true
		}
		m := headingLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		h := heading{line: i, level: len(m[1])}
		if n := headingNumber.FindStringSubmatch(m[2]); n != nil {
			h.number = n[1] + n[2]
		}
		p.headings = append(p.headings, h)
		anchor := slug(m[2])
		for n, first := 1, anchor; p.anchors[anchor]; n++ { // a second heading of the same words
			anchor = fmt.Sprintf("%s-%d", first, n)
		}
		p.anchors[anchor] = true
	}
	return p
}

// section returns the text of a section with its subsections. §9.14 is a heading, or line 14 of §9.
func (p *page) section(number string) (body string, exists bool) {
	for i, h := range p.headings {
		if h.number != number {
			continue
		}
		end := len(p.lines)
		for _, next := range p.headings[i+1:] {
			if next.level <= h.level {
				end = next.line
				break
			}
		}
		return strings.Join(p.lines[h.line:end], "\n"), true
	}
	dot := strings.LastIndex(number, ".")
	if dot < 0 {
		return "", false
	}
	body, exists = p.section(number[:dot])
	return body, exists && hasLine(body, number[dot+1:])
}

// hasLine reports whether a section has a line of that number: of a list, or first in a table's
// row.
func hasLine(body, number string) bool {
	item, row := `(?:[-*]\s+)?(?:\*\*)?`+number+`\.`, `\|\s*`+number+`\s*\|`
	return regexp.MustCompile(`(?m)^\s*(?:` + item + `|` + row + `)`).MatchString(body)
}

// link text is all that GitHub keeps of a link, and of code and emphasis.
var linkText = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// slug is the anchor that GitHub makes of a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, linkText.ReplaceAllString(heading, "$1"))
}

// withoutFences blanks fenced code, so that every offset and line stays what it is.
func withoutFences(text string) string {
	lines := strings.Split(text, "\n")
	fence := ""
	for i, line := range lines {
		mark := strings.TrimLeft(line, " ")
		switch {
		case fence == "" && (strings.HasPrefix(mark, "```") || strings.HasPrefix(mark, "~~~")):
			fence = mark[:3]
		case fence == "":
			continue
		case strings.HasPrefix(mark, fence):
			fence = ""
		}
		lines[i] = strings.Repeat(" ", len(line))
	}
	return strings.Join(lines, "\n")
}

// withoutCode blanks code of both kinds.
func withoutCode(text string) string {
	return codeSpan.ReplaceAllStringFunc(withoutFences(text), func(s string) string {
		return strings.Repeat(" ", len(s))
	})
}
