package sqs

import (
	"container/list"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// Message is one delivery of a message.
type Message struct {
	ID, ReceiptHandle, Body string
	BodyMD5                 string // in hex
	// Attributes are SQS's own: SentTimestamp, ApproximateReceiveCount, MessageGroupId, ...
	Attributes        map[string]string
	MessageAttributes map[string]MessageAttribute
}

// MessageAttribute is a typed value that a message has beside its body.
type MessageAttribute struct {
	DataType    string // String, Number or Binary, possibly with a label: Number.int
	StringValue string `json:",omitempty"` // of a String or Number
	BinaryValue []byte `json:",omitempty"` // of a Binary
}

// messageID is a random (version 4) UUID.
type messageID [16]byte

func newID() (id messageID) {
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (id messageID) String() string {
	var b [36]byte
	hex.Encode(b[:], id[:4])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	hex.Encode(b[9:], id[4:6])
	hex.Encode(b[14:], id[6:8])
	hex.Encode(b[19:], id[8:10])
	hex.Encode(b[24:], id[10:])
	return string(b[:])
}

// content is a message as it was sent. It never changes once it is in a queue, so deliveries share
// it.
type content struct {
	id         messageID
	body       string
	attributes map[string]MessageAttribute
	trace      string // AWSTraceHeader
	group      string // MessageGroupId; may be empty in a standard queue
	dedup      string // MessageDeduplicationId, the sender's or the body's hash; FIFO only
	sequence   string // SequenceNumber; FIFO only
	source     string // DeadLetterQueueSourceArn; of a dead letter only
	sent       time.Time
}

// size is the size that AWS counts: the body, and the name, type and value of each attribute.
func (c *content) size() int {
	n := len(c.body)
	for name, a := range c.attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// state is the state of a message.
type state int

const (
	gone     state = iota // not in the queue: not yet added, or deleted, expired or moved
	delayed               // until its delay ends
	visible               // may be received
	inFlight              // received, until deleted or its visibility timeout ends
	states
)

// message is a content in a queue. The queue's lock protects all of its fields.
type message struct {
	*content
	state    state
	order    uint64    // rises with every message that is added to the queue
	until    time.Time // when delayed or inFlight ends
	expires  time.Time // when retention ends
	received int       // number of receives in all queues
	tries    int       // number of receives in this queue, which is part of a receipt handle
	first    time.Time // first receive
	last     time.Time // latest receive
	repeated bool      // a fault has made it visible again

	group *group
	place *list.Element // in group.messages
	index int           // in queue.agenda
}

// delivery is a message at the time of one receive.
type delivery struct {
	*content
	receipt  string
	received int
	first    time.Time
}

// system returns the attributes that SQS gives every message. The sender is always the account,
// because identities of the local cloud have no unique IDs.
func (d *delivery) system(account string) map[string]string {
	m := map[string]string{
		"SenderId":                         account,
		"SentTimestamp":                    millis(d.sent),
		"ApproximateReceiveCount":          strconv.Itoa(d.received),
		"ApproximateFirstReceiveTimestamp": millis(d.first),
	}
	for name, v := range map[string]string{
		"AWSTraceHeader": d.trace, "MessageGroupId": d.group, "MessageDeduplicationId": d.dedup,
		"SequenceNumber": d.sequence, "DeadLetterQueueSourceArn": d.source,
	} {
		if v != "" {
			m[name] = v
		}
	}
	return m
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func bodyMD5(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// attributesMD5 is the digest that SDKs check (SQS Developer Guide, "Calculating the MD5 message
// digest for message attributes"). Without attributes it is empty.
func attributesMD5(attributes map[string]MessageAttribute) string {
	if len(attributes) == 0 {
		return ""
	}
	const stringKind, binaryKind = 1, 2
	var b []byte
	field := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		field(name)
		field(a.DataType)
		if a.binary() {
			b = append(b, binaryKind)
			field(string(a.BinaryValue))
		} else {
			b = append(b, stringKind)
			field(a.StringValue)
		}
	}
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}
