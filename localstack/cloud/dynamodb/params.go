package dynamodb

import (
	"encoding/json"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/dynamodb/expr"
)

// placeholders is the part of a request that gives expressions their names and values.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues attr.Values
}

func (p placeholders) params() expr.Params {
	return expr.Params{Names: p.ExpressionAttributeNames, Values: attr.Map(p.ExpressionAttributeValues)}
}

// legacy is the parameters that expressions replaced in 2014. A request that has one is refused by its name.
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

// optional parses the predicate unless its text is not given.
func (s *Service) optional(kind expr.Kind, text *string) (*expr.Predicate, error) {
	if text == nil {
		return nil, nil
	}
	return s.cache.Predicate(kind, *text)
}

// selection is a ProjectionExpression ready for items; it returns them whole if none is given.
type selection struct{ project func(attr.Map) attr.Map }

func (c selection) of(item attr.Map) attr.Map {
	if c.project == nil {
		return item
	}
	return c.project(item)
}

// selection parses a ProjectionExpression and checks the placeholders against it and the request's other expressions.
func (s *Service) selection(text *string, p expr.Params, others ...expr.Expression) (selection, error) {
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
