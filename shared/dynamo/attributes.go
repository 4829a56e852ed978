package dynamo

import (
	"encoding/json"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
	"hark/shared/state"
)

// item is a row as DynamoDB stores it: a map of names to attributes.
type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num[N ~int | ~int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func flag(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

func strs(texts []string) types.AttributeValue {
	list := make([]types.AttributeValue, len(texts))
	for i, s := range texts {
		list[i] = str(s)
	}
	return &types.AttributeValueMemberL{Value: list}
}

func noStamps() types.AttributeValue { return &types.AttributeValueMemberM{Value: item{}} }

// Readers of attributes of the state table. An attribute that is absent or of another type reads as
// the zero value.

func getStr(v types.AttributeValue) string {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}

// getJSON returns nil for a text that is absent.
func getJSON(v types.AttributeValue) json.RawMessage {
	if s := getStr(v); s != "" {
		return json.RawMessage(s)
	}
	return nil
}

func getNum(v types.AttributeValue) int64 {
	n, ok := v.(*types.AttributeValueMemberN)
	if !ok {
		return 0
	}
	i, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0
	}
	return i
}

func getFlag(v types.AttributeValue) bool {
	b, ok := v.(*types.AttributeValueMemberBOOL)
	return ok && b.Value
}

func getStrs(v types.AttributeValue) []string {
	list, ok := v.(*types.AttributeValueMemberL)
	if !ok || len(list.Value) == 0 {
		return nil
	}
	texts := make([]string, len(list.Value))
	for i, s := range list.Value {
		texts[i] = getStr(s)
	}
	return texts
}

func getStamps(v types.AttributeValue) map[pusher.Channel]state.Stamp {
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return nil
	}
	out := make(map[pusher.Channel]state.Stamp, len(m.Value))
	for ch, t := range m.Value {
		out[pusher.Channel(ch)] = state.Stamp(getNum(t))
	}
	return out
}
