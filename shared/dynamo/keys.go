package dynamo

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"hark/shared/pusher"
)

// shards is over how many partitions the rows are spread that everybody writes.
const shards = 8

// item is a row as DynamoDB holds it.
type item = map[string]types.AttributeValue

func key(pk, sk string) item {
	return item{"pk": str(pk), "sk": str(sk)}
}

func connectionKey(id pusher.ConnectionID) item { return key("conn#"+string(id), "conn") }

func subscriptionKey(s pusher.Subscription) item {
	return key(channelPK(s.App, s.Channel), subPrefix+string(s.Connection))
}

// subPrefix begins the sort key of a subscription. The connection ID behind it is random, so that DynamoDB can split a hot channel.
const subPrefix = "sub#"

func channelPK(app string, ch pusher.Channel) string { return "chan#" + app + "#" + string(ch) }

func markerKey(app string, ch pusher.Channel) item {
	return key("app#"+app+"#"+shard(string(ch)), "chan#"+string(ch))
}

func leaseKey(id pusher.ConnectionID, due time.Time) item {
	return key(leasePK(due, shard(string(id))), string(id))
}

func leasePK(due time.Time, shard string) string {
	return fmt.Sprintf("lease#%d#%s", due.Unix()/60, shard)
}

func sweptKey() item { return key("sweep", "swept") }

func shard(s string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s)) // a hash takes all it is given
	return strconv.Itoa(int(h.Sum32() % shards))
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num[N ~int64](n N) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(int64(n), 10)}
}

func flag(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

func getStr(v types.AttributeValue) string {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
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

// expires is when a connection's rows may go, in the seconds that DynamoDB's TTL wants.
func expires(connectedAt time.Time) int64 { return connectedAt.Add(pusher.RowLife).Unix() }

func trimSub(sk string) pusher.ConnectionID {
	return pusher.ConnectionID(strings.TrimPrefix(sk, subPrefix))
}
