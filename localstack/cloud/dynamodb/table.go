package dynamodb

import (
	"sync"
	"time"

	"github.com/tidwall/btree"

	"hark/localstack/cloud/dynamodb/attr"
	"hark/localstack/cloud/dynamodb/expr"
)

// Limits of keys and items ("Quotas": items, attributes).
const (
	maxItem      = 400 << 10 // bytes
	maxPartition = 2048
	maxSort      = 1024
)

// table is one table: its items in the order of their keys.
type table struct {
	spec            TableSpec
	name, arn       string
	partition, sort expr.Key // sort.Name is empty if there is no sort key
	created         time.Time

	mu    sync.RWMutex
	items *btree.BTreeG[*item]
	bytes int // sum of the items' sizes
	// expireFrom is where the search for expired items continues; nil: at the start. See expire.
	expireFrom *item
}

// item is an item, only a key, or a position between items. It is immutable.
type item struct {
	pk, sk attr.Value // sk is nil in a table without sort key, and at the ends of a partition
	// side is 0 for the item with the key, and -1 or +1 for the gap directly before or after it;
	// without sk, before or after the whole partition.
	side  int8
	attrs attr.Map
	size  int
}

func newTable(spec TableSpec, opts Options) (*table, error) {
	partition, sort, err := spec.keys()
	if err != nil {
		return nil, err
	}
	return &table{
		spec:      spec,
		name:      spec.TableName,
		arn:       opts.arn(spec.TableName),
		partition: partition,
		sort:      sort,
		created:   opts.Now(),
		items:     btree.NewBTreeGOptions(less, btree.Options{NoLocks: true}),
	}, nil
}

// less orders by partition key, then by sort key: strings by UTF-8 bytes, numbers by value,
// binaries by unsigned bytes.
func less(a, b *item) bool {
	if c, _ := attr.Compare(a.pk, b.pk); c != 0 {
		return c < 0
	}
	switch {
	case a.sk != nil && b.sk != nil:
		if c, _ := attr.Compare(a.sk, b.sk); c != 0 {
			return c < 0
		}
	case a.sk != nil: // b is the start or the end of the partition
		return b.side > 0
	case b.sk != nil:
		return a.side < 0
	}
	return a.side < b.side
}

// keyOf reads a key from a request: it must have the key attributes and no others.
func (t *table) keyOf(key attr.Map) (*item, error) {
	want := 1
	if t.sort.Name != "" {
		want = 2
	}
	if len(key) != want {
		return nil, invalid("The provided key element does not match the schema")
	}
	return t.locate(key, "The provided key element does not match the schema")
}

// itemOf reads a whole item and checks its size.
func (t *table) itemOf(attrs attr.Map) (*item, error) {
	i, err := t.locate(attrs, "")
	if err != nil {
		return nil, err
	}
	i.attrs, i.size = attrs, attrs.ItemSize()
	if i.size > maxItem {
		return nil, invalid("Item size has exceeded the maximum allowed size")
	}
	return i, nil
}

// locate takes the key from the attributes. A key that is missing or of the wrong type fails with
// the message mismatch, or with a message of its own if mismatch is empty.
func (t *table) locate(attrs attr.Map, mismatch string) (*item, error) {
	pk, err := keyAttribute(attrs, t.partition, maxPartition, mismatch)
	if err != nil {
		return nil, err
	}
	i := &item{pk: pk}
	if t.sort.Name != "" {
		if i.sk, err = keyAttribute(attrs, t.sort, maxSort, mismatch); err != nil {
			return nil, err
		}
	}
	return i, nil
}

func keyAttribute(attrs attr.Map, key expr.Key, limit int, mismatch string) (attr.Value, error) {
	v, ok := attrs.Get(key.Name)
	switch {
	case mismatch != "" && (!ok || v.Type() != key.Type):
		return nil, invalid(mismatch)
	case !ok:
		return nil, invalid("One or more parameter values were invalid: Missing the key " +
			key.Name + " in the item")
	case v.Type() != key.Type:
		return nil, invalid("One or more parameter values were invalid: Type mismatch for key " +
			key.Name + " expected: " + string(key.Type) + " actual: " + string(v.Type()))
	case v.Size() == 0:
		return nil, expr.EmptyKey(key)
	case v.Size() > limit && limit == maxPartition:
		return nil, invalid("One or more parameter values were invalid: " +
			"Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case v.Size() > limit:
		return nil, invalid("One or more parameter values were invalid: " +
			"Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return v, nil
}

// keyMap returns the item's key in the form of LastEvaluatedKey.
func (t *table) keyMap(i *item) attr.Map {
	key := attr.Map{}.With(t.partition.Name, i.pk)
	if t.sort.Name != "" {
		key = key.With(t.sort.Name, i.sk)
	}
	return key
}

// get returns the item with the key, or nil. The caller holds the lock.
func (t *table) get(key *item) *item {
	i, _ := t.items.Get(key)
	return i
}

// store replaces the item with the key by next, or deletes it if next is nil. The caller holds the
// lock.
func (t *table) store(key, next *item, now time.Time) {
	var old *item
	if next == nil {
		old, _ = t.items.Delete(key)
	} else {
		old, _ = t.items.Set(next)
		t.bytes += next.size
	}
	t.bytes -= old.bytes()
	t.expire(now)
}

// bytes returns the item's size; 0 if i is nil.
func (i *item) bytes() int {
	if i == nil {
		return 0
	}
	return i.size
}

// document returns the item's attributes; none if i is nil.
func (i *item) document() attr.Map {
	if i == nil {
		return nil
	}
	return i.attrs
}

// sweepStep is how many items each write checks for expiry. A write adds at most one, so a busy
// table does not fill up with expired items.
const sweepStep = 2

// expire checks the next items of the table and deletes those that have expired. Each write
// continues where the last one stopped, and starts over at the end of the table. AWS deletes
// expired items within days, and until then readers may meet them; so they may here. Nothing is
// billed for it.
func (t *table) expire(now time.Time) {
	if !t.spec.TimeToLiveSpecification.Enabled {
		return
	}
	seen := make([]*item, 0, sweepStep)
	collect := func(i *item) bool {
		seen = append(seen, i)
		return len(seen) < sweepStep
	}
	if t.expireFrom == nil {
		t.items.Scan(collect)
	} else {
		t.items.Ascend(t.expireFrom, collect)
	}
	t.expireFrom = nil
	if len(seen) == sweepStep {
		last := seen[sweepStep-1]
		t.expireFrom = &item{pk: last.pk, sk: last.sk, side: 1}
	}
	for _, i := range seen {
		if expired(i.attrs, t.spec.TimeToLiveSpecification.AttributeName, now) {
			t.items.Delete(i)
			t.bytes -= i.size
		}
	}
}

// expired follows "Using time to live": the attribute must be a number, and a time more than five
// years ago counts as a mistake.
func expired(attrs attr.Map, name string, now time.Time) bool {
	v, _ := attrs.Get(name)
	if _, ok := v.(attr.Number); !ok {
		return false
	}
	past, _ := attr.Compare(v, seconds(now))
	recent, _ := attr.Compare(v, seconds(now.AddDate(-5, 0, 0)))
	return past < 0 && recent > 0
}

// span is a range of the table: the positions where it begins and ends.
type span struct{ low, high *item }

// spanOf returns the span for the range of a key condition.
func spanOf(r expr.Range) span {
	s := span{low: &item{pk: r.Partition, side: -1}, high: &item{pk: r.Partition, side: 1}}
	if r.Low != nil {
		s.low = &item{pk: r.Partition, sk: r.Low, side: gap(r.LowOpen, 1)}
	}
	if r.High != nil {
		s.high = &item{pk: r.Partition, sk: r.High, side: gap(r.HighOpen, -1)}
	}
	if r.Prefix != nil {
		s.low = &item{pk: r.Partition, sk: r.Prefix, side: -1}
		if end := successor(r.Prefix); end != nil {
			s.high = &item{pk: r.Partition, sk: end, side: -1}
		}
	}
	return s
}

// gap returns the side of a bound from which the span extends: inward for an open bound, which
// excludes the bound's item, outward for a closed one.
func gap(open bool, inward int8) int8 {
	if open {
		return inward
	}
	return -inward
}

// successor returns the least value above all values with the prefix, or nil if there is none.
func successor(prefix attr.Value) attr.Value {
	switch p := prefix.(type) {
	case attr.String:
		if end := increment(string(p)); end != "" {
			return attr.String(end)
		}
	case attr.Binary:
		if end := increment(string(p)); end != "" {
			return attr.Binary(end)
		}
	}
	return nil
}

// increment adds one to the last byte below 0xff and drops the bytes after it. It returns "" if
// there is no such byte.
func increment(s string) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] < 0xff {
			return s[:i] + string([]byte{s[i] + 1})
		}
	}
	return ""
}
