package expr

import (
	"github.com/truora/minidyn/interpreter/language"

	"hark/localstack/cloud/dynamodb/attr"
)

// Selection is a parsed Projection: the paths to return.
type Selection struct {
	placeholders
	paths []path
}

func parseSelection(p *parser, text string) (*Selection, error) {
	parsed := language.NewParser(language.NewLexer(text))
	list := parsed.ParseProjectionExpression()
	if errs := parsed.Errors(); len(errs) > 0 {
		return nil, p.kind.syntax(errs[0])
	}
	s := &Selection{}
	for _, e := range list {
		w, err := p.path(e)
		if err != nil {
			return nil, err
		}
		s.paths = append(s.paths, w)
	}
	s.placeholders = p.placeholders
	return s, nil
}

func (s *Selection) check(p Params) error {
	_, err := s.Bind(p)
	return err
}

// Bind returns the function that reduces an item to the selected paths. It fails if paths overlap.
func (s *Selection) Bind(p Params) (func(attr.Map) attr.Map, error) {
	t, err := newTree(s.kind, resolveAll(s.paths, p))
	if err != nil {
		return nil, err
	}
	return t.projectItem, nil
}

func resolveAll(paths []path, p Params) []path {
	resolved := make([]path, len(paths))
	for i, w := range paths {
		resolved[i] = w.resolve(p)
	}
	return resolved
}
