package expr

import (
	"strconv"
	"strings"
	"sync"

	"github.com/truora/minidyn/interpreter/language"

	"hark/localstack/cloud/dynamodb/attr"
)

// Kind is the request parameter that an expression came in. Error messages name it.
type Kind string

// The kinds of expressions.
const (
	Condition    Kind = "ConditionExpression"
	Filter       Kind = "FilterExpression"
	KeyCondition Kind = "KeyConditionExpression"
	Update       Kind = "UpdateExpression"
	Projection   Kind = "ProjectionExpression"
)

// maxText is the maximum length of an expression in bytes ("Quotas": expression parameters).
const maxText = 4096

// invalid returns a validation error about an expression of the kind.
func (k Kind) invalid(message string) error {
	return attr.Invalid("Invalid " + string(k) + ": " + message)
}

func (k Kind) syntax(detail string) error { return k.invalid("Syntax error; " + detail) }

// cacheSize bounds the cache. A program has a few dozen expressions, unless it writes values into
// them instead of using placeholders.
const cacheSize = 1024

// Cache parses expressions, and each text only once. The zero value is ready. It is safe for
// concurrent use.
type Cache struct {
	mu     sync.RWMutex
	parsed map[cacheKey]any
}

type cacheKey struct {
	kind Kind
	text string
}

// Predicate parses a Condition or Filter.
func (c *Cache) Predicate(kind Kind, text string) (*Predicate, error) {
	return cached(c, kind, text, parsePredicate)
}

// KeyRange parses a KeyCondition.
func (c *Cache) KeyRange(text string) (*KeyRange, error) {
	return cached(c, KeyCondition, text, parseKeyRange)
}

// Change parses an Update.
func (c *Cache) Change(text string) (*Change, error) { return cached(c, Update, text, parseChange) }

// Selection parses a Projection.
func (c *Cache) Selection(text string) (*Selection, error) {
	return cached(c, Projection, text, parseSelection)
}

func cached[T any](
	c *Cache, kind Kind, text string, parse func(*parser, string) (*T, error),
) (*T, error) {
	key := cacheKey{kind, text}
	c.mu.RLock()
	found, ok := c.parsed[key].(*T)
	c.mu.RUnlock()
	if ok {
		return found, nil
	}
	p := &parser{placeholders: placeholders{kind: kind}}
	if err := p.precheck(text); err != nil {
		return nil, err
	}
	e, err := parse(p, text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.parsed) >= cacheSize || c.parsed == nil {
		c.parsed = make(map[cacheKey]any)
	}
	c.parsed[key] = e
	return e, nil
}

// parser turns minidyn's syntax tree into this package's, and collects the placeholders.
type parser struct{ placeholders }

// precheck refuses what the syntax tree no longer shows: a text that is empty or too long, a NUL
// (which the lexer takes for the end), and what checkTokens finds.
func (p *parser) precheck(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return p.kind.invalid("The expression can not be empty;")
	case len(text) > maxText:
		return p.kind.invalid("Expression size has exceeded the maximum allowed size; " +
			"expression size: " + strconv.Itoa(len(text)))
	case strings.ContainsRune(text, 0):
		return p.kind.syntax(`token: "\x00"`)
	}
	return p.checkTokens(text)
}

// checkTokens refuses an IN without a list, unmatched closing parentheses, and a pair of
// parentheses that contains only another pair.
func (p *parser) checkTokens(text string) error {
	var open nesting
	var previous language.Token
	lexer := language.NewLexer(text)
	for i := 0; ; i++ {
		token := lexer.NextToken()
		switch {
		case previous.Type == language.IN && token.Type != language.LPAREN:
			return p.kind.syntax("token: " + strconv.Quote(token.Literal))
		case token.Type == language.EOF:
			return nil
		case token.Type == language.LPAREN:
			open = append(open, parentheses{
				group:  previous.Type != language.IDENT && previous.Type != language.IN,
				first:  previous.Type == language.LPAREN,
				inside: -1,
			})
		case token.Type == language.RPAREN && len(open) == 0:
			return p.kind.syntax(`token: ")"`)
		case token.Type == language.RPAREN:
			if open.close(i) {
				return p.kind.invalid("The expression has redundant parentheses;")
			}
		}
		previous = token
	}
}

// nesting is the stack of open parentheses.
type nesting []parentheses

type parentheses struct {
	group bool // they group conditions; false for those of a call or an IN list
	first bool // they follow the enclosing opening directly
	// inside is the token that closed a group which directly followed this opening; -1 if none.
	inside int
}

// close closes the innermost pair at the i-th token. It reports whether that pair was redundant.
func (n *nesting) close(i int) bool {
	last := len(*n) - 1
	closed := (*n)[last]
	*n = (*n)[:last]
	if closed.group && closed.first && last > 0 {
		(*n)[last-1].inside = i
	}
	return closed.group && closed.inside == i-1
}

// path parses a document path: a name, then .name and [index] steps.
func (p *parser) path(e language.Expression) (path, error) {
	switch e := e.(type) {
	case *language.Identifier:
		s, err := p.name(e.Value)
		return path{s}, err
	case *language.IndexExpression:
		left, err := p.path(e.Left)
		if err != nil {
			return nil, err
		}
		index, ok := e.Index.(*language.Identifier)
		if !ok {
			return nil, p.kind.syntax("a step of a path is not a name or index")
		}
		var s step
		if e.Type == language.ObjectTypeList {
			s, err = p.index(index.Value)
		} else {
			s, err = p.name(index.Value)
		}
		return append(left, s), err
	}
	return nil, p.kind.syntax("not a document path")
}

// name parses an attribute's name or its placeholder.
func (p *parser) name(text string) (step, error) {
	if rest, ok := strings.CutPrefix(text, "#"); ok {
		if !isWord(rest) {
			return step{}, p.kind.syntax("token: " + strconv.Quote(text))
		}
		p.names = append(p.names, text)
		return step{name: text}, nil
	}
	switch {
	case !isWord(text) || text[0] == '_' || text[0] >= '0' && text[0] <= '9':
		return step{}, p.kind.syntax("token: " + strconv.Quote(text))
	case language.IsReservedWord(strings.ToUpper(text)):
		return step{}, p.kind.invalid(
			"Attribute name is a reserved keyword; reserved keyword: " + text,
		)
	}
	return step{name: text}, nil
}

// index parses an index in a list.
func (p *parser) index(text string) (step, error) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' || text[0] == '0' && len(text) > 1 {
			return step{}, p.kind.syntax("token: " + strconv.Quote(text))
		}
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return step{}, p.kind.invalid(
			"List index is not within the allowable range; index: [" + text + "]",
		)
	}
	return step{index: int(n)}, nil
}

// isWord reports whether the text may be a name, or the part of a placeholder after # or :.
func isWord(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_':
		default:
			return false
		}
	}
	return text != ""
}

// operand parses a value's placeholder or a path, which may occur in conditions and in updates.
func (p *parser) operand(e language.Expression) (operand, error) {
	if id, ok := e.(*language.Identifier); ok && strings.HasPrefix(id.Value, ":") {
		if !isWord(id.Value[1:]) {
			return nil, p.kind.syntax("token: " + strconv.Quote(id.Value))
		}
		p.values = append(p.values, id.Value)
		return placeholder(id.Value), nil
	}
	return p.path(e)
}
