package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"strings"
)

// receiptPrefix begins AWS's receipt handles, too.
const receiptPrefix = "AQEB"

// receiptLen is the length of a handle's contents: a hash of the queue's ARN, the message's ID, and
// the number of the receive.
const receiptLen = 4 + len(messageID{}) + 4

func (q *queue) receipt(m *message) string {
	b := make([]byte, 0, receiptLen)
	b = binary.BigEndian.AppendUint32(b, q.arnHash())
	b = append(b, m.id[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(m.tries))
	return receiptPrefix + base64.StdEncoding.EncodeToString(b)
}

func (q *queue) arnHash() uint32 {
	h := fnv.New32a()
	h.Write([]byte(q.arn))
	return h.Sum32()
}

// parseReceipt returns the message and the number of the receive that a handle names. ok is false
// if this queue never issued such a handle.
func (q *queue) parseReceipt(handle string) (id messageID, try int, ok bool) {
	code, ok := strings.CutPrefix(handle, receiptPrefix)
	if !ok {
		return id, 0, false
	}
	b, err := base64.StdEncoding.DecodeString(code)
	if err != nil || len(b) != receiptLen || binary.BigEndian.Uint32(b) != q.arnHash() {
		return id, 0, false
	}
	copy(id[:], b[4:])
	return id, int(binary.BigEndian.Uint32(b[4+len(id):])), true
}
