package dynamodb

import (
	"encoding/json"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/dynamodb/expr"
)

// placeholders are the parameters that give the names and values in a request's expressions.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues attr.Values
}

func (p placeholders) params() expr.Params {
	return expr.Params{
		Names: p.ExpressionAttributeNames, Values: attr.Map(p.ExpressionAttributeValues),
	}
}

// legacy holds the parameters that expressions replaced in 2014, and IndexName. A request that has
// one of them is refused.
type legacy struct {
	AttributesToGet, AttributeUpdates, Expected, ConditionalOperator json.RawMessage
	KeyConditions, QueryFilter, ScanFilter, IndexName                json.RawMessage
}

func (l legacy) unsupported() error {
	for _, p := range []struct {
		name  string
		value json.RawMessage
	}{
		{"AttributesToGet", l.AttributesToGet},
		{"AttributeUpdates", l.AttributeUpdates},
		{"Expected", l.Expected},
		{"ConditionalOperator", l.ConditionalOperator},
		{"KeyConditions", l.KeyConditions},
		{"QueryFilter", l.QueryFilter},
		{"ScanFilter", l.ScanFilter},
		{"IndexName", l.IndexName},
	} {
		if len(p.value) > 0 && string(p.value) != "null" {
			return invalid(p.name + " is not part of the local cloud's DynamoDB")
		}
	}
	return nil
}

// optionalPredicate parses the predicate. It returns nil if text is nil.
func (s *Service) optionalPredicate(kind expr.Kind, text *string) (*expr.Predicate, error) {
	if text == nil {
		return nil, nil
	}
	return s.cache.Predicate(kind, *text)
}

// selection is a ProjectionExpression that is ready for items. Without an expression it returns
// items whole.
type selection struct{ project func(attr.Map) attr.Map }

func (c selection) of(item attr.Map) attr.Map {
	if c.project == nil {
		return item
	}
	return c.project(item)
}

// selection parses a ProjectionExpression. It also checks the request's placeholders against all of
// its expressions: this one and the others.
func (s *Service) selection(
	text *string, p expr.Params, others ...expr.Expression,
) (selection, error) {
	if text == nil {
		return selection{}, p.Check(others...)
	}
	parsed, err := s.cache.Selection(*text)
	if err != nil {
		return selection{}, err
	}
	if err := p.Check(append(others, parsed)...); err != nil {
		return selection{}, err
	}
	project, err := parsed.Bind(p)
	return selection{project}, err
}
