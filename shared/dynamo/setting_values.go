package dynamo

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/settings"
)

// fromAttribute returns an attribute in the types that package settings decodes. A type that no
// setting has becomes a settings.Other, so that an error can name it.
func fromAttribute(v types.AttributeValue) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberN:
		if n, err := strconv.ParseInt(v.Value, 10, 64); err == nil {
			return n
		}
		return json.Number(v.Value)
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, one := range v.Value {
			list[i] = fromAttribute(one)
		}
		return list
	case *types.AttributeValueMemberM:
		return fromItem(v.Value)
	case *types.AttributeValueMemberNULL:
		return settings.Other("null")
	case *types.AttributeValueMemberB:
		return settings.Other("binary data")
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberNS,
		*types.AttributeValueMemberBS:
		return settings.Other("a set")
	}
	return settings.Other(fmt.Sprintf("%T", v))
}

func fromItem(it item) map[string]any {
	values := make(map[string]any, len(it))
	for name, v := range it {
		values[name] = fromAttribute(v)
	}
	return values
}

// toAttribute is the reverse of fromAttribute, for the types that settings.Encode returns.
func toAttribute(v any) types.AttributeValue {
	switch v := v.(type) {
	case bool:
		return flag(v)
	case int64:
		return num(v)
	case string:
		return str(v)
	case []any:
		list := make([]types.AttributeValue, len(v))
		for i, one := range v {
			list[i] = toAttribute(one)
		}
		return &types.AttributeValueMemberL{Value: list}
	case map[string]any:
		return &types.AttributeValueMemberM{Value: toItem(v)}
	}
	panic(fmt.Sprintf("a setting is stored as %T", v))
}

func toItem(values map[string]any) item {
	it := make(item, len(values))
	for name, v := range values {
		it[name] = toAttribute(v)
	}
	return it
}
